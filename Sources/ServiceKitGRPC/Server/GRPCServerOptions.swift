public import ServiceKit
public import ServiceKitConfig

/// The section `server.grpc`.
public struct GRPCServerOptions: ConfigurationSection, Hashable {
    /// What to listen on; by default a free port of the loopback address.
    public var listen = ListenAddress.tcp(host: "127.0.0.1", port: 0)
    /// The host, or host and port, that others are given in place of what is listened on.
    public var advertise: String?
    /// The largest request message that is accepted; 4 MiB by default.
    public var maxMessage: ByteCount = 4_194_304
    /// Certificates for TLS; by default it is spoken in clear text.
    public var tls = ServerTLSOptions()
    /// What runs handlers and middleware: `event-loop` by default, or `pool` for handlers that compute for long.
    public var executor = Executor.eventLoop
    /// Whether `grpc.health.v1.Health` is served; true by default.
    public var health = true
    /// Whether `grpc.reflection.v1.ServerReflection` is served, which tells everyone who can call what there is to call. By
    /// default it is when the server listens on a loopback address or a Unix domain socket.
    public var reflection: Bool?

    /// The defaults.
    public init() {}

    /// Whether reflection is served, when nothing was said by default.
    var servesReflection: Bool { reflection ?? listen.isLocal }

    /// What runs handlers and middleware.
    public enum Executor: String, Codable, Sendable {
        /// The event loop of the call's connection: the fastest. Nothing that blocks or computes for long may run there;
        /// what does is reported in the log.
        case eventLoop = "event-loop"
        /// Swift's pool of threads.
        case pool
    }
}
