import Logging
import ServiceKit
import ServiceKitConfig
import ServiceLifecycle
import Testing

/// The examples of the guide, kept true.
@Suite(.timeLimit(.minutes(1)))
struct GuideTests {
    actor UserStore: Service {
        func run() async throws {
            try await gracefulShutdown()
        }

        func flush() {}
    }

    struct UserService {
        // Compiled, and not run: it reads the command line.
        static func main() async {
            await App.run { app in
                let store = UserStore()
                app.add(store)
                app.use(RequireTenant(), for: .prefix("/user.v1."))
                app.beforeStop { await store.flush() }
            }
        }
    }

    struct RequireTenant: Middleware {
        func handle(_ call: Call, next: Next) async throws -> CallResult {
            guard call.metadata["x-md-tenant"] != nil else {
                throw ServiceError(.badRequest, reason: "TENANT_MISSING", message: "send x-md-tenant")
            }
            return try await next(call)
        }
    }

    struct CountCalls: StepwiseMiddleware {
        let ended = Watched(0)

        func begin(_ call: inout Call) -> CallEnded? {
            { [ended] _ in ended.update { $0 += 1 } }
        }
    }

    final class FirstNode: Balancer {
        private let nodes = Watched(NodeList())

        func update(_ change: NodeChange) { nodes.update { $0.apply(change) } }

        func pick(for request: PickRequest) -> Node? {
            nodes.value.first { !request.avoids($0) } ?? nodes.value.first
        }
    }

    @Test func registeringAndFollowingByHand() async throws {
        let configuration = try Configuration(yaml: "registry: {backend: memory}")
        let registry = try RegistryBackends.embedded.make(
            configuration: configuration,
            logger: Logger(label: "guide")
        )

        let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)
        let instance = ServiceInstance(id: "user-1", name: "user-service", endpoints: [endpoint])
        let registration = try await registry.register(instance)

        var seen: [[Endpoint]] = []
        for await snapshot in registry.watch("user-service") {
            let endpoints = snapshot.instances.flatMap(\.endpoints)
            #expect(snapshot.state.isLive)
            seen.append(endpoints)
            if endpoints.isEmpty { break }
            await registration.release()
        }
        #expect(seen == [[endpoint], []])
    }

    @Test func theMiddleware() async throws {
        var chain = MiddlewareChain()
        chain.use(RequireTenant(), for: .prefix("/user.v1."))
        let pipeline = chain.pipeline(for: "/user.v1.UserService/GetUser")
        let error = await #expect(throws: ServiceError.self) {
            try await pipeline.run(.served()) { _ in CallResult() }
        }
        #expect(error?.reason == "TENANT_MISSING")
        _ = try await pipeline.run(.served(metadata: ["x-md-tenant": "acme"])) { _ in CallResult() }
    }

    @Test func theStepwiseMiddleware() async throws {
        let count = CountCalls()
        _ = try await count.run(.served())
        #expect(count.ended.value == 1)
    }

    @Test func theBalancer() throws {
        let balancer = try #require(Balancers(plugins: [.balancer("first") { FirstNode() }]).make("first"))
        let node = { (id: String) in
            let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)
            return Node(instance: ServiceInstance(id: id, name: "user-service"), endpoint: endpoint)
        }
        balancer.update(NodeChange(added: [node("a"), node("b")]))
        #expect(balancer.pick(for: PickRequest(path: "/"))?.instance.id == "a")
        #expect(balancer.pick(for: PickRequest(path: "/", avoid: ["a"]))?.instance.id == "b")
    }

    @Test func theDefaultsInTheTable() throws {
        let none = Configuration()
        let startup = try none.decode(StartupOptions.self, at: "startup")
        #expect(startup.hookTimeout == .seconds(30) && startup.readyTimeout == .seconds(30))
        let shutdown = try none.decode(ShutdownOptions.self, at: "shutdown")
        #expect(shutdown.hookTimeout == .seconds(10) && shutdown.deregisterTimeout == .seconds(5))
        #expect(shutdown.lameDuck == .seconds(1) && shutdown.drainTimeout == .seconds(30))
        #expect(shutdown.releaseTimeout == .seconds(5))
        let registry = RegistryOptions()
        #expect(registry.backend == "file" && registry.registration == .required && registry.timeout == .seconds(20))
        #expect(AdvertiseOptions().family == .ipv4 && LogOptions().level == .info && AppOptions().version.isEmpty)
        #expect(Deadlines.Options().default == nil && Deadlines.Options().methods.isEmpty)
    }
}
