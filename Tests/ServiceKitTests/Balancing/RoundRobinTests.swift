import Testing

@testable import ServiceKit

@Suite struct RoundRobinTests {
    func ids(_ balancer: RoundRobin, _ count: Int, avoid: [String] = []) -> [String] {
        (0..<count).compactMap { _ in balancer.pick(for: PickRequest(operation: "/", avoid: avoid))?.instance.id }
    }

    @Test func nodesAreCalledOneAfterTheOther() {
        let balancer = RoundRobin(startingAt: 1)
        #expect(balancer.pick(for: request) == nil)
        balancer.add(["a", "b", "c"].map { node($0) })
        #expect(ids(balancer, 7) == ["b", "c", "a", "b", "c", "a", "b"])
    }

    @Test func clientsBeginWithDifferentNodes() {
        let firsts = (0..<100).map { _ in
            let balancer = RoundRobin()
            balancer.add((0..<4).map { node("\($0)") })
            return ids(balancer, 1)
        }
        #expect(Set(firsts).count == 4)
    }

    @Test func nodesToAvoidArePassedOver() {
        let balancer = RoundRobin(startingAt: 0)
        balancer.add(["a", "b", "c"].map { node($0) })
        #expect(ids(balancer, 4, avoid: ["b"]) == ["a", "c", "a", "c"])
        #expect(ids(balancer, 3, avoid: ["a", "b", "c"]) == ["a", "b", "c"])
    }

    @Test func addedNodesAreCalledAndRemovedNodesAreNot() {
        let nodes = ["a", "b", "c"].map { node($0) }
        let balancer = RoundRobin(startingAt: 0)
        balancer.add(nodes)
        #expect(ids(balancer, 3) == ["a", "b", "c"])
        balancer.remove([nodes[2]])
        #expect(Set(ids(balancer, 2)) == ["a", "b"])
        balancer.remove(nodes)
        #expect(ids(balancer, 1) == [])
        balancer.add(nodes)
        #expect(Set(ids(balancer, 3)) == ["a", "b", "c"])
    }
}
