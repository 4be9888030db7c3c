import Testing

@testable import ServiceKit

@Suite struct RoundRobinTests {
    func ids(_ balancer: RoundRobin, _ count: Int, avoid: [String] = []) -> [String] {
        (0..<count).compactMap { _ in balancer.pick(for: PickRequest(path: "/", avoid: avoid))?.node.instance.id }
    }

    @Test func oneAfterTheOther() {
        let balancer = RoundRobin(startingAt: 1)
        #expect(balancer.pick(for: request) == nil)
        balancer.update(["a", "b", "c"].map { node($0) })
        #expect(ids(balancer, 7) == ["b", "c", "a", "b", "c", "a", "b"])
    }

    @Test func manyClientsDoNotBeginWithTheSame() {
        let firsts = (0..<100).map { _ in
            let balancer = RoundRobin()
            balancer.update((0..<4).map { node("\($0)") })
            return ids(balancer, 1)
        }
        #expect(Set(firsts).count == 4)
    }

    @Test func nodesToAvoidArePassedOver() {
        let balancer = RoundRobin(startingAt: 0)
        balancer.update(["a", "b", "c"].map { node($0) })
        #expect(ids(balancer, 4, avoid: ["b"]) == ["a", "c", "a", "c"])
        #expect(ids(balancer, 3, avoid: ["a", "b", "c"]) == ["a", "b", "c"])
    }

    @Test func nodesComeAndGo() {
        let nodes = ["a", "b", "c"].map { node($0) }
        let balancer = RoundRobin(startingAt: 0)
        balancer.update(nodes)
        #expect(ids(balancer, 3) == ["a", "b", "c"])
        balancer.update(Array(nodes.prefix(2)))
        #expect(Set(ids(balancer, 2)) == ["a", "b"])
        balancer.update([])
        #expect(ids(balancer, 1) == [])
        balancer.update(nodes)
        #expect(Set(ids(balancer, 3)) == ["a", "b", "c"])
    }

    @Test func aNodeOfWeight0IsPassedOver() {
        let balancer = RoundRobin(startingAt: 0)
        balancer.update([node("a", weight: 0), node("b")])
        #expect(ids(balancer, 2) == ["b", "b"])
        balancer.update([node("a", weight: 0)])
        #expect(ids(balancer, 1) == ["a"])
    }

    @Test func nothingIsKeptInFlight() throws {
        let balancer = RoundRobin(startingAt: 0)
        balancer.update([node("a")])
        let pick = try #require(balancer.pick(for: request))
        #expect(pick.call == nil && pick.node.statistics.inFlight == 0)
        balancer.ended(pick, with: .failure)
    }
}
