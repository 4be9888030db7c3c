import Testing

@testable import ServiceKit

@Suite struct LaneBalancerTests {
    private func laned(_ id: String, _ lane: String?) -> Node {
        let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.1", port: 9000)
        let metadata = lane.map { ["lane": $0] } ?? [:]
        let instance = ServiceInstance(id: id, name: "user", metadata: metadata, endpoints: [endpoint])
        return Node(instance: instance, endpoint: endpoint)
    }

    private func balancer() -> LaneBalancer {
        LaneBalancer(label: "lane", base: RoundRobin(startingAt: 0)) { RoundRobin(startingAt: 0) }
    }

    private func picks(_ balancer: LaneBalancer, _ lane: String?, avoid: [String] = []) -> Set<String> {
        Set(
            (0..<20).compactMap { _ in
                var request = PickRequest(operation: "/", avoid: avoid)
                request.lane = lane
                return balancer.pick(for: request)?.instance.id
            })
    }

    @Test func callGoesToItsLaneAndToTheBaseLaneIfThatIsEmpty() {
        let balancer = balancer()
        #expect(picks(balancer, "red") == [])
        balancer.add([laned("a", nil), laned("b", ""), laned("r", "red"), laned("g", "green")])
        #expect(picks(balancer, nil) == ["a", "b"])
        #expect(picks(balancer, "red") == ["r"])
        #expect(picks(balancer, "blue") == ["a", "b"])
        balancer.remove([laned("r", "red")])
        #expect(picks(balancer, "red") == ["a", "b"])
        balancer.remove([laned("a", nil), laned("b", nil)])
        #expect(picks(balancer, nil) == [] && picks(balancer, "red") == [])
        #expect(picks(balancer, "green") == ["g"])
    }

    @Test func instanceThatChangesItsLaneLeavesTheOldOne() {
        let balancer = balancer()
        balancer.add([laned("a", nil), laned("b", nil)])
        balancer.add([laned("b", "red")])
        #expect(picks(balancer, nil) == ["a"] && picks(balancer, "red") == ["b"])
        balancer.add([laned("b", "green")])
        #expect(picks(balancer, "red") == ["a"] && picks(balancer, "green") == ["b"])
        balancer.add([laned("b", nil)])
        #expect(picks(balancer, nil) == ["a", "b"] && picks(balancer, "green") == ["a", "b"])
    }

    @Test func reportGoesToTheBalancerOfTheLane() throws {
        let balancer = LaneBalancer(label: "lane", base: ConsistentHash()) { ConsistentHash() }
        let nodes = [laned("r", "red"), laned("s", "red")]
        balancer.add(nodes + [laned("a", nil)])
        var request = PickRequest(operation: "/", key: "k")
        request.lane = "red"
        let first = try #require(balancer.pick(for: request))
        for _ in 0..<50 {
            balancer.ended(CallReport(node: first, operation: "/", outcome: .success))
            // Without the reports the load would push it away.
            #expect(balancer.pick(for: request) === first)
        }
        #expect(balancer.keySource == .program)
    }

    @Test func hostileLabelsMakeABoundedNumberOfLanes() {
        let balancer = balancer()
        balancer.add([laned("a", nil)])
        let lanes = (0..<300).map { "\($0)" + String(repeating: "x", count: 65_536) }
        for (index, lane) in lanes.enumerated() { balancer.add([laned("n\(index)", lane)]) }
        let served = lanes.indices.filter { picks(balancer, lanes[$0]) == ["n\($0)"] }
        #expect(served.count == LaneBalancer.maximumLanes)
        #expect(picks(balancer, nil) == ["a"])
        // Lanes that are empty make room.
        for (index, lane) in lanes.enumerated() { balancer.remove([laned("n\(index)", lane)]) }
        balancer.add([laned("new", "new")])
        #expect(picks(balancer, "new") == ["new"])
    }
}
