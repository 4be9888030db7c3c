import Testing

@testable import ServiceKit

@Suite struct ZonePreferenceTests {
    private func preference(_ factor: Double = 1.4) -> ZonePreference {
        var options = ZonePreference.Options()
        (options.enabled, options.overProvisioning) = (true, factor)
        return ZonePreference(options, appZone: "z")
    }

    @Test(arguments: [(10, 1.0), (8, 1.0), (5, 0.7), (1, 0.14), (0, 0.0)])
    func callsSpillOverInProportionToTheHealthOfTheZone(_ healthy: Int, _ share: Double) {
        #expect(abs(preference().ownShare(healthy: healthy, of: 10, others: 20) - share) < 1e-9)
    }

    @Test func zoneWithoutInstancesGetsNoneAndWithoutOthersAll() {
        #expect(preference().ownShare(healthy: 0, of: 0, others: 3) == 0)
        #expect(preference().ownShare(healthy: 1, of: 10, others: 0) == 1)
        #expect(preference(1).ownShare(healthy: 9, of: 10, others: 1) == 0.9)
    }

    @Test func zoneIsTheConfiguredOneOrThatOfTheApp() {
        var options = ZonePreference.Options()
        #expect(ZonePreference(options, appZone: "z").zone == nil)
        options.enabled = true
        #expect(ZonePreference(options).zone == nil)
        #expect(ZonePreference(options, appZone: "z").zone == "z")
        options.own = "y"
        #expect(ZonePreference(options, appZone: "z").zone == "y")
        #expect(ZonePreference().ownShare(healthy: 0, of: 5, others: 5) == 1)
    }

    @Test func balancerGivesEachSideItsShare() {
        let balancer = PriorityBalancer(PerPriority { _ in RoundRobin(startingAt: 0) }, seed: 1)
        var change = PriorityBalancer.Change()
        for (id, priority) in [("near", NodePriority.regular), ("far-1", .elsewhere), ("far-2", .elsewhere)] {
            change.move(node(id), from: nil, to: node(id), priority)
        }
        balancer.update(change)
        func counts(_ share: Double) -> [String: Int] {
            balancer.setOwnShare(share)
            let picks = (0..<4000).compactMap { _ in balancer.pick(for: request)?.node.instance.id }
            return picks.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        #expect(counts(1) == ["near": 4000])
        #expect(counts(0) == ["far-1": 2000, "far-2": 2000])
        let part = counts(0.7)
        #expect((2650...2950).contains(part["near"] ?? 0))
        #expect(abs((part["far-1"] ?? 0) - (part["far-2"] ?? 0)) <= 1)
    }

    @Test func nodeElsewhereIsPreferredToOneOfWeight0() {
        #expect(NodePriority.allCases == [.regular, .elsewhere, .standby, .ejected])
        let far = ServiceInstance(id: "a", name: "user", metadata: ["zone": "y"])
        #expect(NodePriority(of: far, zone: "z") == .elsewhere)
        #expect(NodePriority(of: far, zone: "y") == .regular)
        #expect(NodePriority(of: far) == .regular)
        #expect(NodePriority(of: ServiceInstance(id: "b", name: "user"), zone: "z") == .elsewhere)
        let idle = ServiceInstance(id: "c", name: "user", metadata: ["zone": "z", "weight": "0"])
        #expect(NodePriority(of: idle, zone: "z") == .standby)
    }
}
