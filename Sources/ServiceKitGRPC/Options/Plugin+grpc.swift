package import ServiceKit

extension Plugin {
    /// The sections `server.grpc` and `client`, for tools that check configurations. A service needs no plugin for them.
    package static var grpc: Plugin {
        .adding(to: ConfigurationSections.self) {
            $0.addServer(GRPCServerOptions.self, named: GRPCServerOptions.serverName)
            $0.add(ChannelOptions.self, at: ChannelOptions.path, except: ChannelOptions.exceptions)
        }
    }
}
