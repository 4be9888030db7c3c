public import GRPCCore
internal import GRPCNghttp2Transport
public import ServiceKit
private import ServiceKitConfig
internal import ServiceKitHTTP2
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
    ///   - descriptors: The descriptors that reflection shows: `google.protobuf.FileDescriptorSet`s in base64, which are generated
    ///     beside the service, as in `userDescriptors`.
    @inlinable
    public func serve<Service: RegistrableRPCService>(_ service: Service, descriptors: String...) {
        serve(GRPCService(service), descriptors: descriptors)
    }

    /// Serves a gRPC service whose methods are served directly; generated code calls it.
    ///
    /// - Parameters:
    ///   - service: An implementation of a generated service protocol.
    ///   - descriptors: The descriptors that reflection shows.
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
            let options = try app.grpcServerOptions
            let address = try options.listen ?? app.configuration.listenAddress()
            let content = component.content.value ?? GRPCServices.Content()
            let protocols = ServerProtocols(
                health: app.health,
                servesHealth: options.health,
                reflection: try options.servesReflection(at: address)
                    ? pool(content.descriptors, for: "server.grpc.reflection") : nil
            )
            var server = GRPCAppServer.Parts(content.services, address, protocols: protocols)
            if case .shared = app.otherRequests.port {
                server.otherRequests = try app.makeOtherRequests(content.descriptors)
            }
            return try app.makeServer(server, content.descriptors, options)
        }
        guard case .own(let name, let address) = otherRequests.port else { return }
        addServer { app in
            let content = component.content.value ?? GRPCServices.Content()
            var server = GRPCAppServer.Parts(content.services, address, named: name)
            server.servesGRPC = false
            server.otherRequests = try app.makeOtherRequests(content.descriptors)
            return try app.makeServer(server, content.descriptors, try app.grpcServerOptions)
        }
    }

    private var grpcServerOptions: GRPCServerOptions {
        get throws {
            try configuration.serverOptions(GRPCServerOptions.self, named: GRPCServerOptions.serverName)
        }
    }

    private func makeServer(
        _ parts: GRPCAppServer.Parts, _ descriptors: [String], _ options: GRPCServerOptions
    ) throws -> GRPCAppServer {
        let rules = options.validation ? try pool(descriptors, for: "server.grpc.validation") : nil
        return try configuration.locatingErrors(at: "server.grpc") {
            let server = try GRPCAppServer(
                parts, rules: rules, options: options, middleware: serverMiddleware, logger: logger)
            servedOperations.update { $0 = ($0 ?? []).union(server.operations) }
            return server
        }
    }

    private func makeOtherRequests(
        _ descriptors: [String]
    ) throws -> (@Sendable (ServedMethods) -> any RequestHandler)? {
        try otherRequests.prepare.map { try $0(self, pool(descriptors, for: "server.http.enabled")) }
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
