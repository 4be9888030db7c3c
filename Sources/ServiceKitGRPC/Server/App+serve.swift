public import GRPCCore
internal import ProtobufDescriptors
public import ServiceKit
private import ServiceKitConfig

/// What an App is to serve over gRPC.
private final class GRPCServices: Sendable {
    struct Content: Sendable {
        var services: [any RegistrableRPCService] = []
        var descriptors: [String] = []
    }

    let content = Watched<Content?>(nil)
}

extension App {
    /// Serves gRPC services; all of them share one server, configured in the section `server.grpc`.
    ///
    /// The server also serves `grpc.health.v1.Health`, which tells ``/ServiceKit/App/health``, and, where
    /// `server.grpc.reflection` says so, `grpc.reflection.v1.ServerReflection`.
    /// - Parameters:
    ///   - services: Implementations of generated service protocols.
    ///   - descriptors: What reflection tells of them: `google.protobuf.FileDescriptorSet`s in base64, which are generated
    ///     beside the services, as in `userDescriptors`.
    public func serve(_ services: any RegistrableRPCService..., descriptors: String...) {
        if services.isEmpty { return }
        let component = component(GRPCServices.self) { GRPCServices() }
        let isFirst = component.content.update { content in
            defer {
                content = content ?? GRPCServices.Content()
                content?.services += services
                content?.descriptors += descriptors
            }
            return content == nil
        }
        guard isFirst else { return }
        addServer { app in
            let content = component.content.value ?? GRPCServices.Content()
            let options = try app.configuration.decode(GRPCServerOptions.self, at: "server.grpc")
            let protocols = ServerProtocols(
                health: app.health,
                servesHealth: options.health,
                reflection: try options.servesReflection ? pool(content.descriptors) : nil
            )
            return try GRPCAppServer(
                services: content.services,
                protocols: protocols,
                options: options,
                middleware: app.serverMiddleware,
                logger: app.logger
            )
        }
    }
}

/// The descriptors of an App's services and of gRPC's own.
private func pool(_ descriptors: [String]) throws(AppError) -> DescriptorPool {
    do {
        return try DescriptorPool(base64: descriptors + [protocolDescriptors])
    } catch {
        throw AppError(
            "the descriptors given to serve cannot be used: \(error); generate them again, or turn "
                + "server.grpc.reflection off"
        )
    }
}
