package import ServiceKit

extension Plugin {
    /// The sections `server.grpc` and `client`, for tools. A service needs no plugin for them: see `App.registerGRPC()`.
    package static var grpc: Plugin {
        .adding(to: ConfigurationSections.self) {
            $0.addServer(GRPCServerOptions.self, named: GRPCServerOptions.serverName)
            $0.add(
                ChannelOptions.self,
                at: ChannelOptions.path,
                except: ChannelOptions.exceptions,
                live: ChannelOptions.livePaths
            )
        }
    }
}

extension App {
    /// Makes the sections of this module known, when the App serves or calls by it.
    func registerGRPC() {
        ConfigurationSections(plugins: [.grpc]).register(in: configuration)
    }
}
