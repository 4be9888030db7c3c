import Testing

@testable import ServiceKit

@Suite struct LeastRequestTests {
    func balancer(_ nodes: [Node], choices: Int = 2, seed: UInt64 = 1) -> LeastRequest {
        var options = LeastRequest.Options()
        options.choices = choices
        let balancer = LeastRequest(options: options, seed: seed)
        balancer.add(nodes)
        return balancer
    }

    func picks(_ balancer: some Balancer, _ count: Int, avoid: [String] = []) -> [Node] {
        (0..<count).compactMap { _ in balancer.pick(for: PickRequest(operation: "/", avoid: avoid)) }
    }

    @Test func emptyBalancerPicksNothing() {
        #expect(LeastRequest().pick(for: request) == nil)
    }

    @Test func busyNodeIsCalledOnlyWhenItIsDrawnTwice() {
        let nodes = ["a", "b"].map { node($0) }
        for _ in 0..<5 { _ = nodes[0].statistics.begin(at: 1) }
        // Both draws are the busy node in one of four cases.
        let busy = picks(balancer(nodes), 4000).count { $0 === nodes[0] }
        #expect((900...1100).contains(busy))
        let rarely = picks(balancer(nodes, choices: 10), 4000).count { $0 === nodes[0] }
        #expect(rarely < 30)
    }

    @Test func nodeThatFailsAtOnceAttractsNoCalls() {
        let nodes = ["a", "b", "c"].map { node($0) }
        let balancer = balancer(nodes)
        var failed = 0
        // The others have a call in flight each.
        for healthy in nodes.dropFirst() { _ = healthy.statistics.begin(at: 1) }
        for number in 0..<1000 {
            let now = UInt64(number + 1) * 1_000_000
            guard let node = balancer.pick(for: PickRequest(operation: "/", now: now)) else { continue }
            let isFailing = node === nodes[0]
            if isFailing { failed += 1 }
            node.statistics.end(node.statistics.begin(at: now), at: now, with: isFailing ? .failure : .success)
        }
        // Both draws are the failing node in one of nine cases.
        #expect(failed < 150, "\(failed)")
    }

    @Test func callsThatStayAreSpreadByWeight() {
        let nodes = [node("a", weight: 3), node("b", weight: 1)]
        let balancer = balancer(nodes, choices: 4)
        for _ in 0..<400 { _ = balancer.pick(for: request)?.statistics.begin(at: 1) }
        #expect(nodes[0].statistics.inFlight + nodes[1].statistics.inFlight == 400)
        #expect((285...315).contains(nodes[0].statistics.inFlight))
    }

    @Test func nodesToAvoidArePassedOver() {
        let nodes = ["a", "b", "c"].map { node($0) }
        let balancer = balancer(nodes)
        #expect(Set(picks(balancer, 50, avoid: ["b"]).map(\.instance.id)) == ["a", "c"])
        #expect(Set(picks(balancer, 50, avoid: ["a", "b", "c"]).map(\.instance.id)) == ["a", "b", "c"])
    }
}

@Suite struct RandomChoiceTests {
    @Test func emptyBalancerPicksNothing() {
        #expect(RandomChoice().pick(for: request) == nil)
    }

    @Test func nodesAreDrawnInProportionToTheirWeights() {
        let balancer = RandomChoice(seed: 1)
        balancer.add([node("a", weight: 3), node("b", weight: 1)])
        let picks = (0..<8000).compactMap { _ in balancer.pick(for: request)?.instance.id }
        #expect((5800...6200).contains(picks.count { $0 == "a" }))
        #expect(picks.count == 8000)
    }

    @Test func nodesToAvoidArePassedOver() {
        let balancer = RandomChoice(seed: 1)
        balancer.add(["a", "b"].map { node($0) })
        let picks = (0..<50).compactMap { _ in
            balancer.pick(for: PickRequest(operation: "/", avoid: ["a"]))?.instance.id
        }
        #expect(Set(picks) == ["b"])
    }
}
