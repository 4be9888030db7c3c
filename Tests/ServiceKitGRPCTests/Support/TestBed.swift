import ServiceKitTestSupport
import GRPCCore
import GRPCNghttp2Transport
import Logging
import ServiceKit
import ServiceKitConcurrency
import ServiceKitTesting
import Synchronization

@testable import ServiceKitGRPC

/// Servers and clients of one test, which end with it.
final class TestBed: Sendable {
    let registry = MemoryRegistry()
    let log = LogRecorder()
    private let servers = Mutex<[TestServer]>([])
    private let clients = Mutex<[TestClient]>([])
    private let deadInstances = Mutex<[(port: RawSocket, registration: any Registration)]>([])

    /// Starts a server of the tests' service, and registers it.
    @discardableResult
    func server(
        _ id: String,
        _ handlers: [String: TestService.Handler] = [:],
        middleware: [any Middleware] = [],
        metadata: [String: String] = [:],
        tls: ServerTLSOptions = ServerTLSOptions(),
        maxResets: Int = LimitOptions().maxResets,
        isRegistered: Bool = true
    ) async throws -> TestServer {
        var options = GRPCServerOptions()
        options.tls = tls
        options.limits.maxResets = maxResets
        let server = try TestServer(TestService(id: id, handlers), options, middleware: middleware, log: log)
        servers.withLock { $0.append(server) }
        let endpoint = try await server.endpoint
        if isRegistered {
            try await server.register(id, metadata, at: endpoint, in: registry)
        }
        return server
    }

    /// Registers an instance whose connections are refused. The port of a server that has ended may be another server's.
    @discardableResult
    func deadInstance(_ id: String) async throws -> Endpoint {
        let (socket, port) = try RawSocket.reserve()
        let endpoint = Endpoint(scheme: "grpc", host: "127.0.0.1", port: port)
        let instance = ServiceInstance(id: id, name: "test", endpoints: [endpoint])
        // A registration that nobody keeps would end.
        let registration = try await registry.registered(instance)
        deadInstances.withLock { $0.append((socket, registration)) }
        return endpoint
    }

    /// A client of the servers, by default through the registry.
    func client(
        _ options: ChannelOptions = ChannelOptions(),
        balancer: (any Balancer)? = nil,
        middleware: [any Middleware] = [],
        pipeline: NodePipeline = NodePipeline(),
        discoverer: (any Discoverer)? = nil,
        resolver: NameResolver = .shared,
        interceptors: [any ClientInterceptor] = []
    ) throws -> TestClient {
        var options = options
        var balancers = Balancers.embedded
        if let balancer {
            options.balancer = "test"
            balancers.add("test") { balancer }
        }
        let channel = try ServiceChannel(
            ChannelSetup(
                to: "test",
                discoverer: discoverer ?? registry,
                options: options,
                balancers: balancers,
                middleware: middleware,
                pipeline: pipeline,
                logger: log.logger()
            ),
            resolver: resolver
        )
        let client = TestClient(channel, interceptors: interceptors)
        clients.withLock { $0.append(client) }
        return client
    }

    fileprivate func close() async {
        for client in clients.withLock(\.self) { await client.shutDown() }
        for server in servers.withLock(\.self) { await server.kill() }
        for dead in deadInstances.withLock({ $0 }) { dead.port.close() }
    }
}

/// Runs a test with servers and clients.
func withTestBed(_ body: (TestBed) async throws -> Void) async throws {
    let bed = TestBed()
    do {
        try await body(bed)
    } catch {
        await bed.close()
        throw error
    }
    await bed.close()
}

/// A server of the tests' service, and the task that runs it.
final class TestServer: Sendable {
    private let server: GRPCAppServer
    private let bound = Promise<Endpoint>()
    private let task: Task<Void, Never>
    private let registration = Mutex<(any Registration)?>(nil)

    init(
        _ service: TestService, _ options: GRPCServerOptions, middleware: [any Middleware], log: LogRecorder
    ) throws {
        var chain = MiddlewareChain()
        for middleware in middleware { chain.use(middleware) }
        let server = try GRPCAppServer(
            .init([GRPCService(service, methods: service.methods)]),
            options: options,
            middleware: chain,
            logger: log.logger()
        )
        self.server = server
        task = Task { [bound] in
            do {
                try await server.run { endpoints in
                    if let endpoint = endpoints.first { bound.resolve(.success(endpoint)) }
                }
                bound.resolve(.failure(CancellationError()))
            } catch {
                bound.resolve(.failure(error))
            }
        }
    }

    var endpoint: Endpoint {
        get async throws { try await bound.value() }
    }

    func register(
        _ id: String,
        _ metadata: [String: String],
        at endpoint: Endpoint,
        in registry: MemoryRegistry
    ) async throws {
        let instance = ServiceInstance(id: id, name: "test", metadata: metadata, endpoints: [endpoint])
        let registration = try await registry.registered(instance)
        self.registration.withLock { $0 = registration }
    }

    func update(_ change: (inout ServiceInstance) -> Void) async throws {
        guard let registration = registration.withLock(\.self) else { return }
        var instance = registration.instance
        change(&instance)
        try await registration.update(instance)
    }

    func deregister() async throws {
        try await registration.withLock(\.self)?.deregister()
    }

    /// Calls whose handlers have not returned.
    var callsInFlight: Int { server.load?.callsInFlight ?? 0 }

    /// Stops gracefully: its calls end first.
    func drain() async {
        server.beginGracefulShutdown()
        await task.value
    }

    /// Ends at once, in its clients' view; it stays registered.
    func kill() async {
        task.cancel()
        await task.value
    }
}
