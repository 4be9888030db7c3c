import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

/// Steps of a third party on the public API, in a channel and in an App.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct NodePipelineTests {
    /// The instances of the own zone.
    private struct SameZone: Subset {
        let zone: String

        func update(_ change: InstanceChange) -> InstanceChange {
            InstanceFilter { $0.zone == zone }.update(change)
        }
    }

    /// Ejects a node after failures in a row.
    private struct ConsecutiveFailures: EjectionPolicy {
        final class Observer: CallObserver {
            private let failures = Atomic(0)
            private let policy: ConsecutiveFailures
            private let ejector: Ejector

            init(_ policy: ConsecutiveFailures, _ ejector: Ejector) {
                self.policy = policy
                self.ejector = ejector
            }

            func ended(_ report: CallReport) {
                switch report.outcome {
                case .refused, .ignored: break
                case .success: failures.store(0, ordering: .relaxed)
                case .failure:
                    if failures.add(1, ordering: .relaxed).newValue >= policy.limit {
                        ejector.eject(for: policy.duration)
                    }
                }
            }
        }

        var limit = 5
        var duration = Duration.seconds(10)

        func observer(of node: Node, _ ejector: Ejector) -> any CallObserver { Observer(self, ejector) }
    }

    /// Hands out the ejector of each node.
    private final class ByHand: EjectionPolicy {
        private struct Silent: CallObserver {}
        let ejectors = Mutex<[String: Ejector]>([:])

        func observer(of node: Node, _ ejector: Ejector) -> any CallObserver {
            ejectors.withLock { $0[node.instance.id] = ejector }
            return Silent()
        }

        subscript(id: String) -> Ejector? { ejectors.withLock { $0[id] } }
    }

    /// A balancer with options: it picks the node whose id the options name, or any other.
    private final class Favourite: Balancer {
        struct Options: ConfigurationSection {
            var id = "a"
        }

        private let nodes = Mutex(NodeList())
        private let options: Options

        init(_ options: Options) { self.options = options }

        func update(_ change: NodeChange) { nodes.withLock { $0.apply(change) } }

        func pick(for request: PickRequest) -> Node? {
            nodes.withLock { nodes in
                let usable = nodes.filter { !request.avoids($0) }
                return usable.first { $0.instance.id == options.id } ?? usable.first ?? nodes.first
            }
        }
    }

    private static let failing: TestService.Handler = { _, _ in
        throw ServiceError(.unavailable, reason: "DOWN", message: "down")
    }

    /// Waits until a channel's balancer chooses from these instances, and no others.
    private func waitForEligible(_ ids: Set<String>, of client: TestClient) async throws {
        func eligible() -> [String] { client.channel.snapshot().nodes.filter(\.isEligible).map(\.id) }
        while Set(eligible()) != ids {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    // MARK: - Subsets

    @Test func aSubsetDecidesWhichInstancesAreConnectedTo() async throws {
        try await withTestBed { bed in
            try await bed.server("far", metadata: ["zone": "y"])
            let near = try await bed.server("near", metadata: ["zone": "z"])
            let client = try bed.client(pipeline: NodePipeline(subsets: [SameZone(zone: "z")]))
            for _ in 0..<10 { #expect(try await client.text() == "near") }
            #expect(client.channel.snapshot().nodes.map(\.id) == ["near"])
            #expect(client.channel.snapshot().instances.map(\.id) == ["far", "near"])
            try await bed.server("next", metadata: ["zone": "z"])
            try await near.update { $0.metadata["zone"] = "y" }
            try await waitForEligible(["next"], of: client)
            #expect(try await client.text() == "next")
        }
    }

    // MARK: - Ejection

    @Test func aPolicyEjectsANodeThatFailsAndTheOthersGetItsCalls() async throws {
        try await withTestBed { bed in
            try await bed.server("bad", ["Try": Self.failing])
            try await bed.server("good", ["Try": { _, _ in .text("good") }])
            let policy = ConsecutiveFailures(limit: 3, duration: .seconds(600))
            var options = ChannelOptions()
            options.balancer = "round_robin"
            let client = try bed.client(options, pipeline: NodePipeline(ejection: [policy]))
            try await waitForEligible(["bad", "good"], of: client)
            for _ in 0..<6 { _ = await client.failure("Try") }
            try await waitForEligible(["good"], of: client)
            for _ in 0..<10 { #expect(try await client.text("Try") == "good") }
            let bad = try #require(client.channel.snapshot().nodes.first { $0.id == "bad" })
            #expect(bad.connectivity == .ready && bad.ejectedUntil != nil && bad.requests == 3)
        }
    }

    @Test func anEjectedNodeIsPutBackWhenItsTimeIsOver() async throws {
        try await withTestBed { bed in
            for id in ["a", "b"] { try await bed.server(id) }
            let policy = ByHand()
            let client = try bed.client(pipeline: NodePipeline(ejection: [policy]))
            try await waitForEligible(["a", "b"], of: client)
            policy["a"]?.eject(for: .milliseconds(20))
            // A call puts it back; no timer does.
            while try await client.text() != "a" {}
            try await waitForEligible(["a", "b"], of: client)
        }
    }

    @Test func anEjectionEndsWhenItsPolicyRestoresTheNode() async throws {
        try await withTestBed { bed in
            for id in ["a", "b"] { try await bed.server(id) }
            let (one, other) = (ByHand(), ByHand())
            let client = try bed.client(pipeline: NodePipeline(ejection: [one, other]))
            try await waitForEligible(["a", "b"], of: client)
            one["a"]?.eject(for: .seconds(600))
            other["a"]?.eject(for: .seconds(600))
            #expect(client.channel.snapshot().nodes.map(\.isEligible) == [false, true])
            one["a"]?.restore()
            #expect(client.channel.snapshot().nodes.map(\.isEligible) == [false, true])
            other["a"]?.restore()
            #expect(client.channel.snapshot().nodes.map(\.isEligible) == [true, true])
        }
    }

    @Test func aPolicyCanEjectANodeBeforeItIsCalled() async throws {
        struct Quarantine: EjectionPolicy, CallObserver {
            func observer(of node: Node, _ ejector: Ejector) -> any CallObserver {
                if node.instance.metadata["canary"] == "true" { ejector.eject(for: .seconds(600)) }
                return self
            }
        }
        try await withTestBed { bed in
            try await bed.server("a", metadata: ["canary": "true"])
            try await bed.server("b")
            let client = try bed.client(pipeline: NodePipeline(ejection: [Quarantine()]))
            try await waitForEligible(["b"], of: client)
            while !client.channel.snapshot().nodes.allSatisfy({ $0.connectivity == .ready }) {
                try Task.checkCancellation()
                await Task.yield()
            }
            for _ in 0..<10 { #expect(try await client.text() == "b") }
        }
    }

    @Test func ejectedNodesAreCalledWhenThereIsNoOther() async throws {
        try await withTestBed { bed in
            try await bed.server("a")
            let policy = ByHand()
            let client = try bed.client(pipeline: NodePipeline(ejection: [policy]))
            #expect(try await client.text() == "a")
            policy["a"]?.eject(for: .seconds(600))
            #expect(try await client.text() == "a")
            try await bed.server("b")
            try await waitForEligible(["b"], of: client)
            for _ in 0..<10 { #expect(try await client.text() == "b") }
        }
    }

    @Test func anEjectionStaysWhenLabelsChangeAndEndsWhenTheInstanceLeaves() async throws {
        try await withTestBed { bed in
            let a = try await bed.server("a")
            try await bed.server("b")
            let policy = ByHand()
            let client = try bed.client(pipeline: NodePipeline(ejection: [policy]))
            try await waitForEligible(["a", "b"], of: client)
            let old = policy["a"]
            old?.eject(for: .seconds(600))
            try await a.update { $0.metadata["weight"] = "7" }
            try await waitForEligible(["b"], of: client)
            try await a.update { $0.metadata["offline"] = "true" }
            while client.channel.snapshot().nodes.count > 1 {
                try Task.checkCancellation()
                await Task.yield()
            }
            try await a.update { $0.metadata["offline"] = nil }
            try await waitForEligible(["a", "b"], of: client)
            // This ejector belongs to a node that has left.
            old?.eject(for: .seconds(600))
            try await waitForEligible(["a", "b"], of: client)
        }
    }

    // MARK: - Balancers and Apps

    @Test func balancerReadsItsOptionsFromYAML() async throws {
        try await withTestBed { bed in
            for id in ["a", "b"] { try await bed.server(id) }
            let yaml = "client: {balancer: favourite, balancers: {favourite: {id: b}}}"
            let app = try App(
                configuration: Configuration(yaml: yaml),
                plugins: [.balancer("favourite") { (options: Favourite.Options) in Favourite(options) }],
                registry: bed.registry,
                environment: [:]
            )
            let client = try app.channel("test").client
            try await serving(app, log: bed.log) {
                let nodes = { app.snapshot().channels.flatMap(\.nodes).filter(\.isEligible) }
                while nodes().count < 2 {
                    try Task.checkCancellation()
                    await Task.yield()
                }
                for _ in 0..<5 { #expect(try await client.name() == "b") }
            }
        }
    }

    @Test func keyOfACallIsThatOfTheProgramOrElseTheHeader() async throws {
        try await withTestBed { bed in
            for id in ["a", "b", "c", "d"] { try await bed.server(id) }
            var options = ConsistentHash.Options()
            options.header = "X-Cart"
            let client = try bed.client(balancer: ConsistentHash(options: options))
            try await waitForEligible(["a", "b", "c", "d"], of: client)
            func names(_ keys: [String], _ metadata: (String) -> Metadata) async throws -> [String] {
                var names: [String] = []
                for key in keys { names.append(try await client.channel.client.name(metadata(key))) }
                return names
            }
            let keys = (0..<20).map { "cart-\($0)" }
            let byHeader = try await names(keys) { ["x-cart": .string($0)] }
            #expect(Set(byHeader).count > 1)
            #expect(try await names(keys) { ["x-cart": .string($0)] } == byHeader)
            let given = try await withBalancingKey("cart-0") {
                try await names(keys) { ["x-cart": .string($0)] }
            }
            #expect(Set(given) == [byHeader[0]])
            #expect(Set(try await names(keys + keys) { _ in [:] }).count > 1)
        }
    }

    @Test func stepsOfAnAppApplyToItsChannels() async throws {
        try await withTestBed { bed in
            try await bed.server("far", metadata: ["zone": "y"])
            try await bed.server("near", metadata: ["zone": "z"])
            let policy = ByHand()
            let app = try App(registry: bed.registry, environment: [:])
            app.useForClients(SameZone(zone: "z"))
            app.useForClients(policy)
            let client = try app.channel("test").client
            try await serving(app, log: bed.log) {
                let name = try await client.name()
                #expect(name == "near")
                #expect(policy["near"] != nil && policy["far"] == nil)
            }
        }
    }
}

extension GRPCClient<ServiceChannel> {
    /// The id of an instance of the tests' service that answers.
    fileprivate func name(_ metadata: Metadata = [:]) async throws -> String {
        try await unary(
            request: ClientRequest(message: [], metadata: metadata),
            descriptor: .test("Name"),
            serializer: Bytes(),
            deserializer: Bytes(),
            options: .defaults
        ) { String(decoding: try $0.message, as: UTF8.self) }
    }
}
