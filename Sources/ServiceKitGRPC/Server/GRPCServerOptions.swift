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

    /// The defaults.
    public init() {}
}
