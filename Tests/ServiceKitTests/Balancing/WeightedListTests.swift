import Testing

@testable import ServiceKit

/// The tree of sums, compared with sums that are computed anew.
@Suite struct WeightedListTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func drawsStayInProportionAfterChanges(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var list = WeightedList(seed: seed)
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
            guard let (first, second) = list.drawTwo(avoiding: []) else { continue }
            counts[list.node(at: first).instance.id, default: 0] += 1
            #expect(second.map { $0 != first } == true)
        }
        #expect(Set(counts.keys).isSubset(of: weights.keys))
        for (id, weight) in weights {
            let expected = Double(draws * weight) / Double(total)
            // Five standard deviations.
            #expect(abs(Double(counts[id, default: 0]) - expected) < 5 * expected.squareRoot() + 1)
        }
    }

    @Test func drawsBesidesTheAvoidedStayInProportion() {
        var list = WeightedList(seed: 1)
        for (index, weight) in [5, 1, 2, 7, 1].enumerated() { list.insert(node("\(index)", weight: weight)) }
        var counts: [String: Int] = [:]
        for _ in 0..<30_000 {
            guard let (first, second) = list.drawTwo(avoiding: ["3", "0", "unknown"]) else { continue }
            counts[list.node(at: first).instance.id, default: 0] += 1
            #expect(["1", "2", "4"].contains(second.map { list.node(at: $0).instance.id }))
            #expect(second.map { $0 != first } == true)
        }
        #expect(Set(counts.keys) == ["1", "2", "4"])
        #expect((14_400...15_600).contains(counts["2", default: 0]))
    }

    @Test func lastUnavoidedNodeHasNoSecond() {
        var list = WeightedList(seed: 1)
        for id in ["a", "b", "c"] { list.insert(node(id, weight: 1)) }
        let drawn = list.drawTwo(avoiding: ["a", "c"])
        #expect(drawn.map { list.node(at: $0.first).instance.id } == "b" && drawn?.second == nil)
    }
}
