internal import GRPCCore
package import GRPCNghttp2Transport
internal import Logging
package import ServiceKit
internal import ServiceKitConfig
internal import ServiceKitHTTP2
internal import ServiceKitProtobuf

/// An App's gRPC server, or its server of other protocols for the same services.
final class GRPCAppServer: Server {
    /// The parts in which the servers of an App differ.
    struct Parts {
        var name: String
        var address: ListenAddress
        var services: [GRPCService]
        /// gRPC's own services.
        var protocols: ServerProtocols?
        var servesGRPC = true
        /// Makes the handler of requests that are not gRPC.
        var otherRequests: (@Sendable (ServedMethods) -> any RequestHandler)?

        init(
            _ services: [GRPCService],
            _ address: ListenAddress = .tcp(host: "127.0.0.1", port: 0),
            named name: String = GRPCServerOptions.serverName,
            protocols: ServerProtocols? = nil
        ) {
            self.services = services
            self.address = address
            self.name = name
            self.protocols = protocols
        }
    }

    let name: String
    /// The schemes of the endpoints that clients are given.
    private let schemes: [String]
    /// The paths of the methods served.
    let operations: [String]
    private let transport: Nghttp2ServerTransport
    private let server: GRPCServer<Nghttp2ServerTransport>

    /// - Parameters:
    ///   - parts: The services, and the protocols in which they are served.
    ///   - rules: The descriptors with the rules of requests.
    ///   - options: The options; their address does not count.
    ///   - middleware: The middleware around each call.
    ///   - logger: Where to log.
    init(
        _ parts: Parts,
        rules: DescriptorPool? = nil,
        options: GRPCServerOptions,
        middleware: MiddlewareChain,
        logger: Logger
    ) throws(ConfigurationError) {
        name = parts.name
        let security = try options.tls.security()
        let isPlain = options.tls == ServerTLSOptions()
        schemes =
            (parts.servesGRPC ? [isPlain ? "grpc" : "grpcs"] : [])
            + (parts.otherRequests == nil ? [] : [isPlain ? "http" : "https"])
        var router = RPCRouter<Nghttp2ServerTransport>()
        for service in parts.services { service.register(with: &router) }
        let withoutMiddleware = parts.protocols?.register(with: &router) ?? []
        router.registerInterceptors(pipeline: [.apply(HandlerErrorRecorder(), to: .all)])
        let direct = parts.services.reduce(into: [:]) { $0.merge($1.methods.handlers) { first, _ in first } }
        operations = router.methods.map(\.path)
        Self.log(direct: direct.keys, of: router.methods, to: logger)
        transport = Nghttp2ServerTransport(
            address: TransportAddress(parts.address),
            transportSecurity: security,
            config: options.transportConfig,
            hook: ServerMiddleware(middleware, except: withoutMiddleware),
            direct: direct,
            checks: rules.map { RuleChecks.make(for: router.methods, $0, logger) } ?? [:],
            servesGRPC: parts.servesGRPC,
            otherRequests: parts.otherRequests,
            logger: logger
        )
        server = GRPCServer(transport: transport, router: router)
    }

    /// Tells how the calls of each service are served.
    private static func log(
        direct: some Collection<MethodDescriptor>,
        of methods: [MethodDescriptor],
        to logger: Logger
    ) {
        let (direct, all) = (Set(direct), Set(methods))
        func services(_ methods: Set<MethodDescriptor>) -> Logger.MetadataValue {
            .array(Set(methods.map(\.service.fullyQualifiedService)).sorted().map { .string($0) })
        }
        logger.debug(
            "gRPC services",
            metadata: ["direct": services(direct), "through-grpc-core": services(all.subtracting(direct))]
        )
    }

    func run(ready: @escaping @Sendable ([Endpoint]) -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let address = try await self.transport.listeningAddress
                ready(self.schemes.compactMap { Endpoint(address, scheme: $0) })
            }
            // A server that has ended will not have an address any more.
            defer { group.cancelAll() }
            do {
                try await server.serve()
            } catch let error as RuntimeError where error.code == .transportError {
                // The cause names the address that the server could not listen on.
                throw error.cause ?? error
            } catch let error as RuntimeError where error.code == .serverIsStopped {
                // The server was stopped before it served.
            }
        }
    }

    var load: ServerLoad? {
        let (connections, calls) = transport.load
        return ServerLoad(connections: connections, callsInFlight: calls)
    }

    func beginGracefulShutdown() {
        server.beginGracefulShutdown()
    }
}

extension TransportAddress {
    /// The transport's form of a configured address.
    package init(_ address: ListenAddress) {
        switch address {
        case .tcp(let host, let port): self.init(host: host, port: port)
        case .unix(let path): self = .unixDomainSocket(path: path)
        }
    }
}

extension Endpoint {
    /// The endpoint of a listener; a Unix domain socket has none.
    fileprivate init?(_ address: TransportAddress, scheme: String) {
        guard let host = address.host, let port = address.port else { return nil }
        self.init(scheme: scheme, host: host, port: port)
    }
}
