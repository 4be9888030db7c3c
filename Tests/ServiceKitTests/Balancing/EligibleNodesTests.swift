import Testing

@testable import ServiceKit

/// The nodes that a call which is made again can go to.
@Suite struct EligibleNodesTests {
    private func eligible(_ ready: Node..., away: [Node] = []) -> EligibleNodes {
        var nodes = EligibleNodes(policyCount: 1)
        var change = PriorityBalancer.Change()
        for node in ready { nodes.put(node, isReady: true, at: 1, &change) }
        for node in away { nodes.put(node, isReady: false, at: 1, &change) }
        return nodes
    }

    @Test func anotherNodeIsReadyOnlyIfAPickWouldGoToIt() {
        #expect(!eligible().isAnyReady(besides: []))
        #expect(!eligible(away: [node("a")]).isAnyReady(besides: []))
        #expect(eligible(node("a")).isAnyReady(besides: []))
        #expect(!eligible(node("a"), away: [node("b")]).isAnyReady(besides: ["a"]))
        #expect(eligible(node("a"), node("b")).isAnyReady(besides: ["a"]))
        #expect(!eligible(node("a"), node("b")).isAnyReady(besides: ["a", "b"]))
        // A node that is not known, or not ready, takes nothing away.
        #expect(eligible(node("a"), away: [node("b")]).isAnyReady(besides: ["b", "unknown"]))
    }

    /// No retry goes to a node of weight 0, or to one that is ejected, while another is in service.
    @Test func nodesOfLaterPrioritiesCountOnlyWhenThereIsNoOther() {
        #expect(!eligible(node("a"), node("idle", weight: 0)).isAnyReady(besides: ["a"]))
        #expect(eligible(node("idle", weight: 0)).isAnyReady(besides: ["a"]))
        #expect(eligible(node("idle", weight: 0), node("other", weight: 0)).isAnyReady(besides: ["idle"]))
        var nodes = eligible(node("a"))
        let bad = node("bad")
        var change = PriorityBalancer.Change()
        nodes.put(bad, isReady: true, at: 1, &change)
        _ = nodes.eject("bad", bad.statistics, until: 100, by: 0, at: 1)
        #expect(!nodes.isAnyReady(besides: ["a"]))
    }

    @Test func nodesOfOtherZonesCount() {
        func zoned(_ id: String, _ zone: String) -> Node {
            let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.1", port: 9000)
            let instance = ServiceInstance(id: id, name: "user", metadata: ["zone": zone], endpoints: [endpoint])
            return Node(instance: instance, endpoint: endpoint)
        }
        var options = ZonePreference.Options()
        options.enabled = true
        var nodes = eligible(zoned("near", "eu"), zoned("far", "us"))
        _ = nodes.setZones(ZonePreference(options, appZone: "eu"), at: 1)
        #expect(nodes.isAnyReady(besides: ["near"]) && nodes.isAnyReady(besides: ["far"]))
        #expect(!nodes.isAnyReady(besides: ["near", "far"]))
    }
}
