import Logging
import Metrics
import ServiceKit
import ServiceKitConfig
import ServiceLifecycle
import Testing
import Tracing

/// The examples of the guide.
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

    // Compiled, and not run: a process can bootstrap once.
    static func bootstrap(_ metrics: any MetricsFactory, _ tracer: any Tracer) {
        MetricsSystem.bootstrap(metrics)
        InstrumentationSystem.bootstrap(tracer)
    }

    struct RequireTenant: Middleware {
        func beginServing(_ call: inout Call) throws {
            guard call.metadata["x-md-tenant"] != nil else {
                throw ServiceError(.badRequest, reason: "TENANT_MISSING", message: "send x-md-tenant")
            }
        }
    }

    struct CountFailures: Middleware {
        let failures = Watched(0)

        func begin(_ call: inout Call) {
            call.onEnd { call, result in
                if result.error != nil { failures.update { $0 += 1 } }
            }
        }
    }

    struct NumberAttempts: Middleware {
        func beginCalling(_ call: inout Call) {
            call.onAttempt { attempt in
                attempt.metadata["x-attempt"] = "\(attempt.number)"
                attempt.onEnd { report in print(report.node.instance.id, report.latency) }
            }
        }
    }

    final class FirstNode: Balancer {
        private let nodes = Watched(NodeList())

        func update(_ change: NodeChange) { nodes.update { $0.apply(change) } }

        func pick(for request: PickRequest) -> Node? {
            nodes.value.first { !request.avoids($0) } ?? nodes.value.first
        }
    }

    struct SameZone: Subset {
        let zone: String

        func update(_ change: InstanceChange) -> InstanceChange {
            InstanceFilter { $0.zone == zone }.update(change)
        }
    }

    struct FailFast: EjectionPolicy {
        struct Observer: CallObserver {
            let ejector: Ejector

            func ended(_ report: CallReport) {
                if report.outcome == .failure { ejector.eject(for: .seconds(1)) }
            }
        }

        func observer(of node: Node, _ ejector: Ejector) -> any CallObserver { Observer(ejector: ejector) }
    }

    @Test func registeringAndFollowingByHand() async throws {
        let configuration = try Configuration(yaml: "registry: {backend: memory}")
        let registry = try RegistryBackends.embedded.make(
            configuration: configuration,
            logger: Logger(label: "guide")
        )

        let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)
        let instance = ServiceInstance(id: "user-1", name: "user-service", endpoints: [endpoint])
        let registration = try registry.register(instance)
        try await registration.waitUntilRegistered()

        var seen: [[Endpoint]] = []
        for await snapshot in registry.watch("user-service") {
            let endpoints = snapshot.instances.flatMap(\.endpoints)
            print(snapshot.state.isLive ? "now:" : "last known:", endpoints)
            #expect(snapshot.state.isLive)
            seen.append(endpoints)
            if endpoints.isEmpty { break }
            await registration.release()
        }
        #expect(seen == [[endpoint], []])
    }

    @Test func theMiddleware() async throws {
        let result = await MiddlewareChain(RequireTenant()).run(Call(side: .server, operation: "/a/b")) { call in
            CallResult()
        }
        #expect(ServiceError(try #require(result.error))?.reason == "TENANT_MISSING")
    }

    @Test func theMiddlewareLetsOthersPass() throws {
        var call = Call(side: .server, operation: "/a/b", metadata: ["x-md-tenant": "acme"])
        try RequireTenant().beginServing(&call)
    }

    @Test func theMiddlewareThatIsToldOfTheEnd() {
        let count = CountFailures()
        var call = Call(side: .client, operation: "/a/b")
        count.begin(&call)
        var result = CallResult(error: ServiceError(.unavailable, reason: "DOWN", message: "down"))
        call.end(with: &result)
        #expect(count.failures.value == 1)
    }

    @Test func theMiddlewareOfAttempts() throws {
        var call = Call(side: .client, operation: "/a/b")
        NumberAttempts().beginCalling(&call)
        let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)
        let node = Node(instance: ServiceInstance(id: "user-1", name: "user-service"), endpoint: endpoint)
        var attempt = CallAttempt(operation: "/a/b", number: 2, node: node)
        try call.begin(&attempt)
        #expect(attempt.metadata == ["x-attempt": "2"])
        attempt.end(with: CallReport(node: node, operation: "/a/b", attempt: 2, outcome: .success))
    }

    @Test func theBalancer() throws {
        let balancer = try Balancers(plugins: [.balancer("first") { FirstNode() }]).make("first")
        let node = { (id: String) in
            let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)
            return Node(instance: ServiceInstance(id: id, name: "user-service"), endpoint: endpoint)
        }
        balancer.update(NodeChange(added: [node("a"), node("b")]))
        #expect(balancer.pick(for: PickRequest(operation: "/"))?.instance.id == "a")
        #expect(balancer.pick(for: PickRequest(operation: "/", avoid: ["a"]))?.instance.id == "b")
    }

    @Test func theFaults() async {
        var faults = FaultInjection.Options()
        faults.abort.status = .unavailable
        faults.abort.percentage = 10
        let injection = FaultInjection(faults, seed: 1)
        var aborted = 0
        for _ in 1...1000 where await injection.run(.served()).error != nil { aborted += 1 }
        #expect((60...140).contains(aborted))
    }

    @Test func theSubset() {
        let near = ServiceInstance(id: "a", name: "user", metadata: ["zone": "a"])
        let far = ServiceInstance(id: "b", name: "user")
        #expect(SameZone(zone: "a").update(InstanceChange(added: [near, far])).added == [near])
    }

    @Test func theEjectionPolicy() {
        let ejected = Watched<[Duration]>([])
        let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)
        let node = Node(instance: ServiceInstance(id: "a", name: "user"), endpoint: endpoint)
        let observer = FailFast().observer(of: node, Ejector { time in ejected.update { $0.append(time) } })
        observer.ended(CallReport(node: node, operation: "/", outcome: .success))
        observer.ended(CallReport(node: node, operation: "/", outcome: .failure))
        #expect(ejected.value == [.seconds(1)])
    }

    struct RateLimit: ConfigurationSection, Equatable {
        var callsPerSecond = 100
        static let ranges = [OptionRange("calls-per-second", \RateLimit.callsPerSecond, 1...1_000_000)]
    }

    // Compiled, and not run.

    private func follow(_ app: App) async throws {
        let limit = try app.live(RateLimit.self, at: "rate-limit")
        print(limit.value.callsPerSecond)
        for await limit in limit { print("from now on \(limit.callsPerSecond)") }
    }

    private func make(_ source: any ConfigurationSource, _ logger: Logger) async throws -> App {
        let store = ConfigurationStore(sources: [FileSource(["config/config.yaml"]), source], logger: logger)
        try await store.start()
        let app = try App(store: store)
        return app
    }

    private func operate(_ registry: any RegistryOperator) async throws {
        _ = try await registry.takeOffline("user-1", of: "user-service")
        _ = try await registry.setMetadata(["zone": "eu"], ofInstance: "user-1", of: "user-service")
    }

    private func bootstrap(_ provider: Logger.MetadataProvider) {
        LoggingSystem.bootstrap(QueuedLogHandler.standardOutput, metadataProvider: provider)
    }

    private struct Carts {
        func getCart(_ request: String) async throws -> String { request }
    }

    private func callWithAKey(_ carts: Carts, _ user: String, _ request: String) async throws -> String {
        let cart = try await withBalancingKey(user) { try await carts.getCart(request) }
        return cart
    }

    private func runWithABalancer() async {
        await App.run(plugins: [.balancer("first") { FirstNode() }]) { app in /* … */ }
    }

    private func addSteps(to app: App) {
        app.useForClients(SameZone(zone: "a"))
        app.useForClients(FailFast())
    }
}
