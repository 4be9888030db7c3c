internal import GRPCNghttp2Transport
internal import ServiceKit
internal import ServiceKitConfig

/// The section `server.grpc`, without `advertise`, which is the App's.
struct GRPCServerOptions: ConfigurationSection, Hashable {
    /// The address to listen on; that of `server.listen` by default.
    var listen: ListenAddress?
    /// How many connections the system holds that the server has not accepted yet; 256 by default.
    var backlog = 256
    /// The server's certificate, and the authorities of its clients; no TLS by default.
    var tls = ServerTLSOptions()
    /// How long a client may take for TLS and the start of HTTP/2 before it is disconnected; 10 s by default.
    var handshakeTimeout = Duration.seconds(10)
    /// How many connections there may be at a time; 10,000 by default. More are closed at once.
    var maxConnections = 10_000
    /// How many calls a client may have open on one connection at a time; 1000 by default. More wait in the client.
    var maxConcurrentCalls = 1000
    /// How long a connection may be without calls before its client is told to leave it (GOAWAY); for ever by default.
    var maxConnectionIdle: Duration?
    /// How long a connection may live, give or take a tenth, before its client is told to leave it (GOAWAY), so that
    /// clients spread over servers that were added; for ever by default. Open calls go on.
    var maxConnectionAge: Duration?
    /// How long open calls may go on after ``maxConnectionAge`` before they fail with `unavailable`; for ever by default.
    var maxConnectionAgeGrace: Duration?
    /// The pings that find out that a client is gone, and how often clients may ping.
    var keepalive = ServerKeepaliveOptions()
    /// How messages are compressed.
    var compression = CompressionOptions()
    /// The bounds of each connection and of its calls.
    var limits = LimitOptions()
    /// The place where handlers and middleware run: `event-loop` by default, or `pool` for handlers that compute for long.
    var executor = Executor.eventLoop
    /// Whether `grpc.health.v1.Health` is served; true by default.
    var health = true
    /// Whether `grpc.reflection.v1.ServerReflection` is served, which tells every caller which services there are. By
    /// default it is served if the server listens on a loopback address or a Unix domain socket.
    var reflection: Bool?
    /// Whether requests are checked by the rules `buf.validate` in the descriptors of their services; true by default.
    var validation = true

    static let ranges: [OptionRange<GRPCServerOptions>] = [
        OptionRange("backlog", \.backlog, 1...65_535),
        OptionRange("handshake-timeout", \.handshakeTimeout, .milliseconds(1)...(.seconds(3600))),
        OptionRange("max-connections", \.maxConnections, 1...1_000_000),
        OptionRange("max-concurrent-calls", \.maxConcurrentCalls, 1...1_000_000),
        OptionRange("max-connection-idle", \.maxConnectionIdle, .milliseconds(1)...longestTime),
        OptionRange("max-connection-age", \.maxConnectionAge, .milliseconds(1)...longestTime),
        OptionRange("max-connection-age-grace", \.maxConnectionAgeGrace, .zero...longestTime),
    ]

    /// The server's name, in logs and in the path of its section.
    static let serverName = "grpc"

    /// The place where handlers and middleware run.
    enum Executor: String, Codable, Sendable, CaseIterable {
        /// The event loop of the call's connection: the fastest. Code that blocks or computes for long may not run there;
        /// the log reports it.
        case eventLoop = "event-loop"
        /// Swift's pool of threads.
        case pool
    }

    /// Whether reflection is served by a server that listens on an address.
    func servesReflection(at address: ListenAddress) -> Bool { reflection ?? address.isLocal }

    var transportConfig: Nghttp2ServerTransport.Config {
        .defaults {
            $0.limits = limits.transportLimits
            $0.maxMessageBytes = limits.maxMessage.bytes
            $0.maxSendMessageBytes = limits.maxSendMessage?.bytes ?? .max
            $0.limits.handshakeTimeout = handshakeTimeout
            $0.compression = compression.transportCompression
            $0.keepalive = keepalive.transportKeepalive
            $0.handlerExecutor =
                switch executor {
                case .eventLoop: .eventLoop
                case .pool: .globalPool
                }
            $0.maxConcurrentCallsPerConnection = maxConcurrentCalls
            $0.maxConnections = maxConnections
            $0.maxConnectionIdle = maxConnectionIdle
            $0.maxConnectionAge = maxConnectionAge
            $0.maxConnectionAgeGrace = maxConnectionAgeGrace
            $0.backlog = backlog
        }
    }
}

extension GRPCServerOptions {
    static let help = [
        "listen": "the address to listen on, if it is another than `server.listen`",
        "advertise": "the host, or host and port, that the registry is given instead",
        "backlog": "how many connections the system holds that the server has not accepted yet",
        "handshake-timeout": "how long a client may take for TLS and the start of HTTP/2",
        "max-connections": "how many connections there may be; more are closed at once",
        "max-concurrent-calls": "how many calls (HTTP/2 streams) a client may have open on one connection",
        "max-connection-idle":
            "how long a connection may be without calls before its client is told to leave it (GOAWAY)",
        "max-connection-age":
            "how long a connection may live, give or take a tenth, before its client is told to leave it "
            + "(GOAWAY)",
        "max-connection-age-grace": "how long open calls may go on after that before they fail",
        "executor": "the place where handlers run; `pool` for handlers that compute for long",
        "health": "whether `grpc.health.v1.Health` is served",
        "reflection": "whether `grpc.reflection.v1.ServerReflection` is served",
        "validation": "whether requests are checked by the rules `buf.validate` in the descriptors of their services",
    ]
}
