import ServiceKit

/// A discoverer that publishes exactly the snapshots of a test.
struct ScriptedDiscoverer: Discoverer {
    private let latest = Watched<DiscoverySnapshot?>(nil)

    func say(_ instances: [ServiceInstance], _ state: DiscoveryState = .live) {
        latest.set(DiscoverySnapshot(instances: InstanceSet(instances), state: state))
    }

    /// Instances of the tests' service at these endpoints, with ids `a`, `b`, and so on.
    func say(_ endpoints: Endpoint..., state: DiscoveryState = .live) {
        let ids = ["a", "b", "c", "d"]
        say(zip(ids, endpoints).map { ServiceInstance(id: $0, name: "test", endpoints: [$1]) }, state)
    }

    func instances(of service: String) async throws -> InstanceSet {
        latest.value?.instances ?? []
    }

    func watch(_ service: String) -> DiscoveryUpdates {
        DiscoveryUpdates { emit in
            for await case let snapshot? in latest.values { emit(snapshot) }
        }
    }
}
