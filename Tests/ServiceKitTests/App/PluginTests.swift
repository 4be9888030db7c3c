import ServiceKit
import Testing

@Suite struct PluginTests {
    /// A kind of plugin that the kit does not know.
    struct Greetings: PluginSection {
        var names: [String]

        static let embedded = Greetings(names: ["hello"])
    }

    private struct First: Balancer {
        func update(_ change: NodeChange) {}
        func pick(for request: PickRequest) -> Node? { nil }
    }

    private let plugins: [Plugin] = [
        .adding(to: Greetings.self) { $0.names.append("hi") },
        .balancer("first") { First() },
        .adding(to: Greetings.self) { $0.names.append("good day") },
    ]

    @Test func catalogueListsEmbeddedAndPluginEntries() {
        #expect(Greetings(plugins: plugins).names == ["hello", "hi", "good day"])
        #expect(Balancers(plugins: plugins).names == (["first"] + Balancers.embedded.names).sorted())
        #expect(RegistryBackends(plugins: plugins).names == ["file", "memory", "static"])
    }

    @Test func catalogueWithoutPluginsListsEmbeddedEntries() {
        #expect(Greetings(plugins: []).names == ["hello"])
        let balancers = [
            "consistent_hash", "least_request", "p2c", "prequal", "random", "round_robin", "weighted_round_robin",
        ]
        #expect(Balancers(plugins: []).names == balancers)
    }
}
