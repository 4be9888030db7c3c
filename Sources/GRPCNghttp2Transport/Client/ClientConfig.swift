public import ServiceKitHTTP2

/// How a client connects, and how its connections behave.
public struct ClientTransportConfig: Sendable {
    /// The bounds of each connection and its calls.
    public var limits = TransportLimits.defaults

    /// `max-message`: the largest message accepted from the peer, in bytes, as it arrives and after decompression. A
    /// larger one ends its call with `resourceExhausted`. Default: 4 MiB.
    public var maxMessageBytes = 4 * 1024 * 1024

    /// The largest message sent, in bytes before compression. A larger one ends its call with `resourceExhausted`.
    /// Default: the peer's bound only.
    public var maxSendMessageBytes = Int.max

    /// How messages are compressed.
    public var compression = CompressionConfig.defaults

    /// How the client finds out that the server is gone.
    public var keepalive = Keepalive.defaults

    /// The executor of GRPCCore's part of a call, and of the caller's work on the response. Default: the caller's.
    public var callExecutor = CallExecutor.caller

    /// How many connections are made to one server at the most. One is, until it has as many calls as the server
    /// allows at a time; then another, which is closed again when it has been idle. Default: 4.
    public var maxConnections = 4

    /// How long a connection beyond the first may be without calls before it is closed. Default: 5 minutes.
    public var maxConnectionIdle = Duration.seconds(300)

    /// `max-queued-calls`: how many calls wait on a connection for the server to allow one more at a time; further ones
    /// fail with `unavailable`. Default: 1000.
    public var maxQueuedCalls = 1000

    /// How long an attempt to connect may take, from the look-up of a name until the server has sent its HTTP/2 settings.
    /// Default: 20 s.
    public var connectTimeout = Duration.seconds(20)

    /// How long to wait between attempts to connect.
    public var backoff = ConnectionBackoff.defaults

    /// The resolver of names. Default: the system's, for all clients of the process.
    package var resolver = NameResolver.shared

    /// The default configuration.
    public static var defaults: Self { Self() }

    /// The default configuration, changed.
    ///
    /// - Parameter configure: Changes it.
    /// - Returns: The configuration.
    public static func defaults(configure: (inout Self) -> Void) -> Self {
        var config = Self()
        configure(&config)
        return config
    }

    private init() {}

    /// An executor of GRPCCore's part of a call, and of the caller's work on the response.
    public struct CallExecutor: Sendable, Hashable {
        enum Kind: Sendable {
            case caller, eventLoop
        }

        let kind: Kind

        /// The caller's executor: Swift's pool of threads, mostly.
        public static let caller = Self(kind: .caller)

        /// The event loop of the connection. Calls made one at a time cost half as much and return sooner, but all calls
        /// of a connection share a thread, which nothing may block.
        public static let eventLoop = Self(kind: .eventLoop)
    }

    /// How a client finds out that the server is gone
    /// (https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md).
    public struct Keepalive: Sendable, Hashable {
        /// How long nothing may come from the server before the client pings it; `nil` for never. It is doubled when
        /// the server says that this was too often; most servers want 5 minutes or more. Default: never.
        public var time: Duration?

        /// How long the server may take to answer before the connection is closed. Default: 20 s.
        public var timeout = Duration.seconds(20)

        /// Whether to ping while there are no calls. Default: `false`.
        public var allowWithoutCalls = false

        /// The default values.
        public static var defaults: Self { Self() }

        private init() {}
    }
}
