import ServiceKit
import ServiceKitConfig
import ServiceKitTesting
import Synchronization
import Testing

private let registry = MemoryRegistry()
private let conformance = RegistryConformance(name: "mine") { registry }

/// The idlest of all nodes.
final class Idlest: Balancer {
    private let nodes = Mutex(NodeList())

    func update(_ change: NodeChange) {
        nodes.withLock { $0.apply(change) }
    }

    func pick(for request: PickRequest) -> Node? {
        nodes.withLock { nodes in
            nodes.min { left, right in
                let (isLeftAvoided, isRightAvoided) = (request.avoids(left), request.avoids(right))
                if isLeftAvoided != isRightAvoided { return isRightAvoided }
                return left.statistics.inFlight < right.statistics.inFlight
            }
        }
    }
}

/// The examples of the guide of `ServiceKitTesting`.
@Suite(.timeLimit(.minutes(2)))
struct TestingGuideTests {
    @Test(arguments: conformance.checks)
    func conforms(to check: RegistryConformance.Check) async throws {
        try await conformance.run(check)
    }

    @Test func appServes() async throws {
        let app = try App(configuration: Configuration(yaml: "registry: {backend: memory}"))
        try await withRunning(app) {
            #expect(app.health.value == .serving)
        }
    }

    @Test(.enabled(if: EtcdServer.isAvailable()))
    func etcdRestarts() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.etcdctl("put", "greeting", "hello")
            try await etcd.kill()
            try await etcd.start()
            try await etcd.waitUntilReady()
        }
    }

    @Test func ownBalancerIsSimulated() {
        let mine = SimulationPolicy("idlest") { _ in Idlest() }
        let table = SimulationTable(.slowNode, policies: [mine, .p2c], seed: 1)
        print(table)
        #expect("\(table)".contains("\nidlest "))
    }

    @Test func ownFleetIsSimulated() {
        let simulation = Simulation(seed: 1)
        var server = SimulatedServer()
        server.work = .logNormal(median: .milliseconds(5), sigma: 0.8)
        server.workers = 4
        simulation.addServers(6, server)
        var client = SimulatedClient()
        client.load = .perSecond(400)
        client.attempts = 3
        simulation.addClients(3, client)
        simulation.at(.seconds(2)) { $0.changeServer("server-1") { $0.behavior = .fails(.unavailable, share: 0.5) } }
        simulation.at(.seconds(4)) { $0.removeServer("server-2") }
        let result = simulation.run(for: .seconds(10)).during(.seconds(2)..<(.seconds(10)))
        #expect(result.successRate > 0.99)
        #expect(result.latency(0.99) < .milliseconds(100))
    }
}
