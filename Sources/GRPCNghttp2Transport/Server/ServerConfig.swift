public import GRPCCore
public import ServiceKitHTTP2

extension Nghttp2ServerTransport {
    /// How a server behaves.
    public struct Config: Sendable {
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

        /// How the server finds out that a client is gone, and how often clients may do so.
        public var keepalive = Keepalive.defaults

        /// The executor of the handlers. Default: the event loop of their connection. A handler that blocks or computes for
        /// long must not hold it up; after 100 ms it is reported as `max-loop-time`.
        public var handlerExecutor = HandlerExecutor.eventLoop

        /// How many calls a client may have open on one connection at a time: `max-concurrent-calls`. Default: 1000.
        public var maxConcurrentCallsPerConnection = 1000

        /// How many connections there may be at a time: `max-connections`. More are closed at once. Default: 10,000.
        public var maxConnections = 10_000

        /// How long a connection may be without calls before its client is told to make a new one when it needs it.
        /// Default: for ever.
        public var maxConnectionIdle: Duration?

        /// How long a connection may live, give or take a tenth, before its client is told to make a new one, so that
        /// clients spread over servers that were added. Calls that are open go on. Default: for ever.
        public var maxConnectionAge: Duration?

        /// How long calls may go on from then on, before they fail with `unavailable`. Default: for ever.
        public var maxConnectionAgeGrace: Duration?

        /// How many connections the system keeps that were not accepted yet. Default: 256.
        public var backlog = 256

        /// The resolver of the name to listen on. Default: the system's, as for all clients of the process.
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
    }

    /// How a server finds out that a client is gone, and how often clients may do so
    /// (https://github.com/grpc/proposal/blob/master/A9-server-side-conn-mgt.md).
    public struct Keepalive: Sendable, Hashable {
        /// How long nothing may come from a client before the server pings it; `nil` for never. Default: 2 hours.
        public var time: Duration? = .seconds(2 * 3600)

        /// How long a client may take to answer before the connection is closed. Default: 20 s.
        public var timeout = Duration.seconds(20)

        /// `min-ping-interval`: how often a client may ping the server. A client that pings more often, three times
        /// without a response in between, gets the error `too_many_pings` and is disconnected. Default: 5 minutes.
        public var minPingInterval = Duration.seconds(300)

        /// Whether a client may ping the server as often while it has no calls; else once in 2 hours. Default: `false`.
        public var allowPingsWithoutCalls = false

        /// The default values.
        public static var defaults: Self { Self() }

        private init() {}
    }

    /// An executor of handlers.
    public struct HandlerExecutor: Sendable, Hashable {
        enum Kind: Sendable {
            case globalPool, eventLoop
        }

        let kind: Kind

        /// The event loop of the call's connection. It saves the switch of threads that costs most of a small call, but
        /// a handler that blocks or computes for long holds up every call of its loop: for handlers that mostly wait for
        /// others, in `await`.
        public static let eventLoop = Self(kind: .eventLoop)

        /// Swift's pool of threads, one for each core. A handler may compute for any time.
        public static let globalPool = Self(kind: .globalPool)
    }

    /// The transport's part of a call's `ServerContext`, as its `transportSpecific`.
    public struct Context: ServerContext.TransportSpecific {
        let call: ServerCall
    }
}

/// How messages are compressed.
public struct CompressionConfig: Sendable, Hashable {
    /// How messages are sent compressed, unless a call says otherwise and if the peer reads it. Default: not at all.
    public var algorithm = CompressionAlgorithm.none

    /// Which compressed messages are read. Default: all.
    public var enabledAlgorithms = CompressionAlgorithmSet.all

    /// The default values.
    public static var defaults: Self { Self() }

    private init() {}
}

extension CompressionConfig {
    var acceptedEncodings: MessageEncodings {
        MessageEncodings(enabledAlgorithms.elements.map { MessageEncoding($0) })
    }
}

extension MessageEncoding {
    init(_ algorithm: CompressionAlgorithm) {
        self =
            switch algorithm {
            case .gzip: .gzip
            case .deflate: .deflate
            default: .identity
            }
    }
}
