internal import GRPCNghttp2Transport
public import ServiceKit
public import ServiceKitConfig

/// The section `client`: how channels choose instances, connect, wait and try again. `Balancers` reads the key `balancers`
/// of this section, and the middleware `Deadlines`, `CallTracing` and `FaultInjection` the keys `timeouts`, `tracing` and
/// `faults`.
public struct ChannelOptions: ConfigurationSection, Hashable {
    /// The name of the balancer: `p2c`, the default, `consistent_hash`, `least_request`, `prequal`, `random`, `round_robin`,
    /// `weighted_round_robin`, or a plugin's.
    public var balancer = "p2c"
    /// How long a call waits for the registry's first answer and a first connection; 10 s by default. A call that waits
    /// for ready waits as long as its deadline allows.
    public var readyTimeout = Duration.seconds(10)
    /// How long calls wait when there is no instance, or none can be reached any more, before they fail at once; 1 s by
    /// default. A channel sees that an instance is gone before the registry names its successor, and it hears of an
    /// instance a moment after that has registered.
    public var settleTimeout = Duration.seconds(1)
    /// The authorities to trust, and the client's certificate, for instances that speak TLS.
    public var tls = ClientTLSOptions()
    /// Calls that failed on one instance and are made again on another.
    public var retry = RetryOptions()
    /// Instances that are worse than the others, and get no calls for a time.
    public var outlierEjection = OutlierEjection.Options()
    /// The circuit breakers that hold calls back from methods and instances that fail.
    public var breaker = CircuitBreaker.Options()
    /// The labels that an instance must have to be called.
    public var filter = InstanceFilter.Options()
    /// How many instances of a service there are connections to.
    public var subset = DeterministicSubset.Options()
    /// Whether a header of a call chooses the instances that serve it.
    public var lanes = LaneOptions()
    /// Whether calls stay in the own zone.
    public var zones = ZonePreference.Options()
    /// The weights of instances that have come into service.
    public var slowStart = SlowStart.Options()
    /// How long an attempt to connect may take, from the look-up of a name to the server's HTTP/2 settings; 20 s by
    /// default.
    public var connectTimeout = Duration.seconds(20)
    /// The waits between attempts to connect to an instance.
    public var backoff = BackoffOptions()
    /// The most connections to one instance; 4 by default. There is one until it has as many calls as the server allows
    /// at a time, then another.
    public var maxConnectionsPerNode = 4
    /// How long a connection beyond an instance's first may be without calls before it is closed; 5 min by default.
    public var maxConnectionIdle = Duration.seconds(300)
    /// How many calls wait on a connection until the server allows one more; 1000 by default. More fail with
    /// `unavailable`.
    public var maxQueuedCalls = 1000
    /// Whether instances are asked if they serve.
    public var healthCheck = HealthCheckOptions()
    /// The pings that find out that a server is gone.
    public var keepalive = ClientKeepaliveOptions()
    /// How messages are compressed.
    public var compression = CompressionOptions()
    /// The bounds of each connection and of its calls.
    public var limits = LimitOptions()

    /// The defaults.
    public init() {}

    /// The ranges of the section's values.
    public static let ranges: [OptionRange<ChannelOptions>] = [
        OptionRange("ready-timeout", \.readyTimeout, .zero...(.seconds(86_400))),
        OptionRange("settle-timeout", \.settleTimeout, .zero...(.seconds(86_400))),
        OptionRange("connect-timeout", \.connectTimeout, .milliseconds(1)...(.seconds(3600))),
        OptionRange("max-connections-per-node", \.maxConnectionsPerNode, 1...100),
        OptionRange("max-connection-idle", \.maxConnectionIdle, .milliseconds(1)...longestTime),
        OptionRange("max-queued-calls", \.maxQueuedCalls, 1...1_000_000),
    ]

    /// Reads the section.
    ///
    /// - Throws: `ConfigurationError` for the first value that is wrong.
    public init(_ configuration: Configuration) throws(ConfigurationError) {
        self = try configuration.decode(Self.self, at: Self.path, except: Self.exceptions)
    }

    static let path = "client"
    static let exceptions: Set<String> = ["balancers", "faults", "timeouts", "tracing"]
    /// The paths whose changes a running channel of an App takes over. The others belong to the connections.
    static let livePaths = [
        "client.balancer", "client.balancers", "client.breaker", "client.filter", "client.lanes",
        "client.outlier-ejection",
        "client.ready-timeout",
        "client.retry", "client.settle-timeout", "client.slow-start", "client.subset", "client.zones",
    ]

    var transportConfig: ClientTransportConfig {
        .defaults {
            $0.limits = limits.transportLimits
            $0.maxMessageBytes = limits.maxMessage.bytes
            $0.maxSendMessageBytes = limits.maxSendMessage?.bytes ?? .max
            $0.compression = compression.transportCompression
            $0.keepalive = keepalive.transportKeepalive
            $0.maxConnections = maxConnectionsPerNode
            $0.maxConnectionIdle = maxConnectionIdle
            $0.maxQueuedCalls = maxQueuedCalls
            $0.connectTimeout = connectTimeout
            $0.backoff.initial = backoff.initial
            $0.backoff.multiplier = backoff.multiplier
            $0.backoff.max = backoff.max
        }
    }
}

/// The section `client.backoff`: the waits between attempts to connect to an instance. A wait is drawn between zero and
/// its longest ("full jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
public struct BackoffOptions: ConfigurationSection, Hashable {
    /// The longest wait after the first failure; 100 ms by default.
    public var initial = Duration.milliseconds(100)
    /// How many times as long the longest wait is after each further failure; 1.6 by default.
    public var multiplier = 1.6
    /// The most that the longest wait grows to; 10 s by default, so that an instance that lives again is soon called.
    public var max = Duration.seconds(10)

    /// The defaults.
    public init() {}

    /// The ranges of the section's values.
    public static let ranges: [OptionRange<BackoffOptions>] = [
        OptionRange("initial", \.initial, .milliseconds(1)...(.seconds(3600))),
        OptionRange("multiplier", \.multiplier, 1...10),
        OptionRange("max", \.max, .milliseconds(1)...(.seconds(86_400))),
    ]
}

extension ChannelOptions {
    /// The meaning of each option.
    public static let help = [
        "balancer":
            "the balancer: `p2c`, `consistent_hash`, `least_request`, `prequal`, `random`, `round_robin`, `weighted_round_robin`, "
            + "or a plugin's",
        "ready-timeout": "how long a call waits for the registry's first answer and a connection",
        "settle-timeout": "how long calls wait when there is no instance, or none can be reached any more",
        "connect-timeout":
            "how long an attempt to connect may take, from the look-up of the name to the server's HTTP/2 "
            + "settings",
        "max-connections-per-node":
            "the most connections to one instance; a further one is made when the others have as many calls "
            + "as the server allows",
        "max-connection-idle": "how long a connection beyond the first may be without calls before it is closed",
        "max-queued-calls": "how many calls wait on a connection until the server allows one more",
    ]
}

extension BackoffOptions {
    /// The meaning of each option.
    public static let help = [
        "initial": "the longest wait after the first failed attempt to connect",
        "multiplier": "how many times as long the longest wait is after each further failure",
        "max": "the most that the longest wait grows to",
    ]
}
