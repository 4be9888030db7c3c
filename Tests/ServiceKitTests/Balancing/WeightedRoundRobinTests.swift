import Testing

@testable import ServiceKit

@Suite struct WeightedRoundRobinTests {
    func ids(_ balancer: some Balancer, _ count: Int, avoid: [String] = []) -> [String] {
        (0..<count).compactMap { _ in balancer.pick(for: PickRequest(operation: "/", avoid: avoid))?.instance.id }
    }

    func counts(_ balancer: some Balancer, _ count: Int, avoid: [String] = []) -> [String: Int] {
        ids(balancer, count, avoid: avoid).reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    func balancer(_ weights: KeyValuePairs<String, Int>, seed: UInt64 = 1) -> WeightedRoundRobin {
        let balancer = WeightedRoundRobin(seed: seed)
        balancer.add(weights.map { node($0, weight: $1) })
        return balancer
    }

    @Test func emptyBalancerPicksNothing() {
        #expect(WeightedRoundRobin().pick(for: request) == nil)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func nodesAreCalledAsOftenAsTheirWeightsSay(seed: UInt64) {
        let balancer = balancer(["a": 5, "b": 1, "c": 1, "d": 3], seed: seed)
        // A whole number of rounds: each node is at most one call off.
        let counts = counts(balancer, 1000)
        for (id, expected) in ["a": 500, "b": 100, "c": 100, "d": 300] {
            #expect(abs(counts[id, default: 0] - expected) <= 1, "\(id): \(counts)")
        }
    }

    @Test func callsOfAHeavyNodeAreSpreadEvenly() {
        let ids = ids(balancer(["a": 5, "b": 1, "c": 1]), 700)
        let runs = ids.split { $0 != "a" }.map(\.count)
        #expect(runs.allSatisfy { $0 <= 3 }, "\(runs)")
    }

    @Test func equalNodesAreCalledOneAfterTheOther() {
        let ids = ids(balancer(["a": 7, "b": 7, "c": 7]), 6)
        #expect(Set(ids.prefix(3)) == ["a", "b", "c"])
        #expect(ids.prefix(3) == ids.suffix(3))
    }

    @Test func clientsBeginWithDifferentNodes() {
        let firsts = (0..<200).map { _ in
            let balancer = WeightedRoundRobin()
            balancer.add((0..<4).map { node("\($0)", weight: 1 + $0 % 2) })
            return ids(balancer, 1)
        }
        #expect(Set(firsts).count == 4)
    }

    @Test func nodesToAvoidArePassedOver() {
        let balancer = balancer(["a": 100, "b": 1, "c": 1])
        #expect(Set(ids(balancer, 10, avoid: ["a"])) == ["b", "c"])
        #expect(Set(ids(balancer, 10, avoid: ["a", "b"])) == ["c"])
        #expect(counts(balancer, 102, avoid: ["a", "b", "c"])["a", default: 0] > 80)
        #expect(Set(ids(balancer, 10, avoid: ["a", "unknown"])) == ["b", "c"])
    }

    @Test func nodesThatJoinAndLeaveLeaveTheSharesOfTheOthers() {
        let balancer = balancer(["a": 4, "b": 2, "c": 1])
        _ = ids(balancer, 50)
        balancer.remove([node("a")])
        let left = counts(balancer, 300)
        #expect(abs(left["b", default: 0] - 200) <= 1 && left["a"] == nil, "\(left)")
        balancer.add([node("d", weight: 7)])
        let joined = counts(balancer, 1000)
        for (id, expected) in ["b": 200, "c": 100, "d": 700] {
            #expect(abs(joined[id, default: 0] - expected) <= 2, "\(joined)")
        }
        balancer.remove(["b", "c", "d"].map { node($0) })
        #expect(balancer.pick(for: request) == nil)
    }

    @Test func nodeThatComesBackWithAnotherWeightHasTheNewShare() {
        let balancer = balancer(["a": 1, "b": 1])
        _ = ids(balancer, 10)
        balancer.add([node("a", weight: 3)])
        let counts = counts(balancer, 400)
        #expect(abs(counts["a", default: 0] - 300) <= 2, "\(counts)")
    }

    /// Weights from a registry are anything.
    @Test func extremeWeightsAreBounded() {
        let balancer = balancer(["a": Int.max, "b": 1_000_000, "c": -1, "d": 0])
        let counts = counts(balancer, 1000)
        #expect(abs(counts["a", default: 0] - counts["b", default: 0]) <= 1, "\(counts)")
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func sharesAreRightAfterRandomChanges(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let balancer = WeightedRoundRobin(seed: seed)
        var weights: [String: Int] = [:]
        for _ in 0..<2000 {
            let id = "\(random.next(below: 60))"
            if random.next(below: 3) == 0 {
                balancer.remove([node(id)])
                weights[id] = nil
            } else {
                weights[id] = 1 + random.next(below: 100)
                balancer.add([node(id, weight: weights[id])])
            }
            _ = balancer.pick(for: request)
        }
        let total = weights.values.reduce(0, +)
        let counts = counts(balancer, 10 * total)
        #expect(Set(counts.keys) == Set(weights.keys))
        for (id, weight) in weights { #expect(abs(counts[id, default: 0] - 10 * weight) <= 10, "\(id) of \(weight)") }
    }
}
