public import GRPCCore
public import ServiceKit
private import ServiceKitConfig
internal import ServiceKitProtobuf

/// The gRPC services of an App.
private final class GRPCServices: Sendable {
    struct Content: Sendable {
        var services: [GRPCService] = []
        var descriptors: [String] = []
    }

    let content = Watched<Content?>(nil)
}

extension App {
    /// Serves a gRPC service; all of them share one server, configured in the section `server.grpc`.
    ///
    /// The server also serves `grpc.health.v1.Health`, which tells ``/ServiceKit/App/health``, and, where
    /// `server.grpc.reflection` says so, `grpc.reflection.v1.ServerReflection`.
    /// - Parameters:
    ///   - service: An implementation of a generated service protocol.
    ///   - descriptors: What reflection tells of it: `google.protobuf.FileDescriptorSet`s in base64, which are generated
    ///     beside the service, as in `userDescriptors`.
    @inlinable
    public func serve<Service: RegistrableRPCService>(_ service: Service, descriptors: String...) {
        serve(GRPCService(service), descriptors: descriptors)
    }

    /// Serves a gRPC service whose methods are served directly; generated code calls it.
    ///
    /// - Parameters:
    ///   - service: An implementation of a generated service protocol.
    ///   - descriptors: What reflection tells of it.
    ///   - add: Adds the methods.
    @inlinable
    public func serve<Service: RegistrableRPCService>(
        _ service: Service,
        descriptors: [String],
        methods add: (_ methods: inout ServiceMethods) -> Void
    ) {
        var methods = ServiceMethods()
        add(&methods)
        serve(GRPCService(service, methods: methods), descriptors: descriptors)
    }

    /// The services that were given to `serve`, for servers that speak another protocol.
    package var grpcServices: [GRPCService] {
        component(GRPCServices.self) { GRPCServices() }.content.value?.services ?? []
    }

    @usableFromInline
    func serve(_ service: GRPCService, descriptors: [String]) {
        guard serveGRPC(adding: "gRPC service") else { return }
        component(GRPCServices.self) { GRPCServices() }.content.update { content in
            content?.services.append(service)
            content?.descriptors += descriptors
        }
    }

    /// Makes the server, unless it is made. Modules call it that serve other protocols on its port.
    ///
    /// - Parameter thing: The name of what is to be added, for the warning that it comes too late.
    /// - Returns: Whether something can be added still.
    package func serveGRPC(adding thing: String) -> Bool {
        if isSettled {
            ignore(thing)
            return false
        }
        let component = component(GRPCServices.self) { GRPCServices() }
        let isFirst = component.content.update { content in
            defer { content = content ?? GRPCServices.Content() }
            return content == nil
        }
        if isFirst { addGRPCServer(component) }
        return true
    }

    private func addGRPCServer(_ component: GRPCServices) {
        registerGRPC()
        addServer { app in
            let content = component.content.value ?? GRPCServices.Content()
            let options = try app.configuration.serverOptions(
                GRPCServerOptions.self,
                named: GRPCServerOptions.serverName
            )
            let rules = options.validation ? try pool(content.descriptors, for: "server.grpc.validation") : nil
            let protocols = ServerProtocols(
                health: app.health,
                servesHealth: options.health,
                reflection: try options.servesReflection
                    ? pool(content.descriptors, for: "server.grpc.reflection") : nil
            )
            let otherRequests = try app.otherRequests.prepare.map { prepare in
                try prepare(app, pool(content.descriptors, for: "server.http.enabled"))
            }
            return try app.configuration.locatingErrors(at: "server.grpc") {
                let server = try GRPCAppServer(
                    services: content.services,
                    protocols: protocols,
                    rules: rules,
                    options: options,
                    middleware: app.serverMiddleware,
                    otherRequests: otherRequests,
                    logger: app.logger
                )
                app.servedOperations.update { $0 = ($0 ?? []).union(server.operations) }
                return server
            }
        }
    }
}

/// The descriptors of an App's services and of gRPC's own.
private func pool(_ descriptors: [String], for option: String) throws(AppError) -> DescriptorPool {
    do {
        return try DescriptorPool(base64: descriptors + [protocolDescriptors])
    } catch {
        throw AppError(
            "the descriptors given to serve cannot be used: \(error); generate them again, or turn "
                + "\(option) off"
        )
    }
}
