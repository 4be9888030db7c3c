public import ServiceKit
public import ServiceKitConfig

/// The section `client`: how channels choose instances, wait and try again.
public struct ChannelOptions: ConfigurationSection, Hashable {
    /// The name of the balancer: `p2c`, the default, `round_robin`, or a plugin's.
    public var balancer = "p2c"
    /// The options of balancers, by their names; ``Balancers`` decodes those of the one that is used.
    var balancers = NamedSections()
    /// How long a call waits for the registry's first answer and a first connection; 10 s by default. A call that waits
    /// for ready waits as long as its deadline allows.
    public var readyTimeout = Duration.seconds(10)
    /// How long calls wait when there is no instance, or none can be reached any more, before they fail at once; 1 s by
    /// default. An instance that has gone away is seen failing, or leaving, before the registry's word of its successor
    /// has come, and one that has just registered is heard of a moment later.
    public var settleTimeout = Duration.seconds(1)
    /// The largest response message that is accepted; 4 MiB by default.
    public var maxMessage: ByteCount = 4_194_304
    /// Whom to trust, and who the client is, where instances speak TLS.
    public var tls = ClientTLSOptions()
    /// Calls that failed on one instance and are made again on another.
    public var retry = RetryOptions()
    /// Time limits of calls, which the middleware `Deadlines` sets.
    public var timeouts = Deadlines.Options()

    /// The defaults.
    public init() {}
}

/// The section `client.retry`.
///
/// A call that no instance has begun to process is always made again elsewhere, whatever its method. One that may have
/// been processed is made again only when it failed with `unavailable` and its method is listed as idempotent.
public struct RetryOptions: ConfigurationSection, Hashable {
    /// How often a call is made at most, the first time included; 3 by default. 1 turns retries off.
    public var attempts = 3
    /// Methods that can be made twice without harm: `/user.v1.UserService/GetUser`, or all of a service by
    /// `/user.v1.UserService/`.
    public var idempotent: [String] = []
    /// How much of a request is kept to be sent again, each message counting 64 bytes more than it has; 256 KiB by
    /// default. A longer one is not retried.
    public var buffer: ByteCount = 262_144
    /// How many retries are made in a row before they are held to a tenth of the calls; 1000 by default.
    public var burst = 1000

    /// The defaults.
    public init() {}

    func isIdempotent(_ path: String) -> Bool {
        idempotent.contains { $0 == path || $0.hasSuffix("/") && path.hasPrefix($0) }
    }
}
