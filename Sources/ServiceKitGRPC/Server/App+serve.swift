public import GRPCCore
public import ServiceKit
private import ServiceKitConfig

/// What an App is to serve over gRPC.
private final class GRPCServices: Sendable {
    let services = Watched<[any RegistrableRPCService]>([])
}

extension App {
    /// Serves gRPC services; all of them share one server, configured in the section `server.grpc`.
    ///
    /// - Parameter services: Implementations of generated service protocols.
    public func serve(_ services: any RegistrableRPCService...) {
        if services.isEmpty { return }
        let component = component(GRPCServices.self) { GRPCServices() }
        let isFirst = component.services.update { all in
            defer { all += services }
            return all.isEmpty
        }
        guard isFirst else { return }
        addServer { app in
            GRPCAppServer(
                services: component.services.value,
                options: try app.configuration.decode(GRPCServerOptions.self, at: "server.grpc"),
                middleware: app.serverMiddleware,
                logger: app.logger
            )
        }
    }
}
