import Testing

@testable import ServiceKit

/// The tree of sums, compared with sums that are computed anew.
@Suite struct WeightedListTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func drawsStayInProportionAfterChanges(seed: UInt64) {
        let random = SplitMix64(seed: seed)
        var list = WeightedList()
        var weights: [String: Int] = [:]
        for _ in 0..<2000 {
            let id = "\(random.next(below: 60))"
            if random.next(below: 3) == 0 {
                list.remove(node(id))
                weights[id] = nil
            } else {
                weights[id] = 1 + random.next(below: 100)
                list.insert(node(id, weight: weights[id] ?? 0))
            }
        }
        let total = weights.values.reduce(0, +)
        let draws = 200_000
        var counts: [String: Int] = [:]
        for _ in 0..<draws {
            guard let (first, second) = list.draw(avoiding: [], random) else { continue }
            counts[first.node.instance.id, default: 0] += 1
            #expect(second.map { $0.node !== first.node } == true)
        }
        #expect(Set(counts.keys).isSubset(of: weights.keys))
        for (id, weight) in weights {
            let expected = Double(draws * weight) / Double(total)
            // Five standard deviations.
            #expect(abs(Double(counts[id, default: 0]) - expected) < 5 * expected.squareRoot() + 1)
        }
    }

    @Test func drawsBesidesTheAvoidedStayInProportion() {
        var list = WeightedList()
        for (index, weight) in [5, 1, 2, 7, 1].enumerated() { list.insert(node("\(index)", weight: weight)) }
        let random = SplitMix64(seed: 1)
        var counts: [String: Int] = [:]
        for _ in 0..<30_000 {
            guard let (first, second) = list.draw(avoiding: ["3", "0", "unknown"], random) else { continue }
            counts[first.node.instance.id, default: 0] += 1
            #expect(["1", "2", "4"].contains(second?.node.instance.id))
            #expect(second.map { $0.node !== first.node } == true)
        }
        #expect(Set(counts.keys) == ["1", "2", "4"])
        #expect((14_400...15_600).contains(counts["2", default: 0]))
    }

    @Test func lastUnavoidedNodeHasNoSecond() {
        var list = WeightedList()
        for id in ["a", "b", "c"] { list.insert(node(id, weight: 1)) }
        let drawn = list.draw(avoiding: ["a", "c"], SplitMix64(seed: 1))
        #expect(drawn?.first.node.instance.id == "b" && drawn?.second == nil)
    }
}
