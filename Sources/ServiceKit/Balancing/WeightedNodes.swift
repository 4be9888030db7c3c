/// Nodes, to be drawn at random in proportion to their weights.
///
/// Nodes of weight 0 get no calls and are left out, unless there is no other.
final class WeightedNodes: Sendable {
    /// A heavier node counts as this heavy, so that no sum overflows, whatever a registry holds.
    private static let maximumWeight = 1_000_000

    struct Element: Sendable {
        let node: Node
        /// The weight in proportion to the mean: 1 where all are alike.
        let share: Double
        /// The node's part of the numbers from 0 up to ``WeightedNodes/total``.
        let range: Range<Int>
    }

    let elements: [Element]
    private let total: Int

    init(_ nodes: [Node] = []) {
        var weighted = nodes.map { (node: $0, weight: min($0.instance.weight, Self.maximumWeight)) }
        if weighted.contains(where: { $0.weight > 0 }) {
            weighted.removeAll { $0.weight == 0 }
        } else {
            weighted = nodes.map { ($0, 1) }
        }
        let total = weighted.reduce(0) { $0 + $1.weight }
        let mean = Double(total) / Double(max(1, weighted.count))
        var start = 0
        elements = weighted.map { node, weight in
            defer { start += weight }
            return Element(node: node, share: Double(weight) / mean, range: start..<start + weight)
        }
        self.total = total
    }

    /// Those that are not to be avoided, or all when there is no other.
    func avoiding(_ request: PickRequest) -> WeightedNodes {
        if request.avoid.isEmpty { return self }
        let others = elements.map(\.node).filter { !request.avoids($0) }
        return others.isEmpty || others.count == elements.count ? self : WeightedNodes(others)
    }

    /// Draws two nodes, one after the other; they differ. The second is `nil` when there is one only.
    func draw(_ random: borrowing SplitMix64) -> (first: Element, second: Element?)? {
        guard let only = elements.first else { return nil }
        if elements.count == 1 { return (only, nil) }
        let first = element(at: random.next(below: total))
        // From the others' parts, by leaving out the first one's.
        let rest = random.next(below: total - first.range.count)
        return (first, element(at: rest < first.range.lowerBound ? rest : rest + first.range.count))
    }

    /// The element whose range has a number.
    private func element(at number: Int) -> Element {
        var low = 0
        var high = elements.count - 1
        while low < high {
            let middle = (low + high) / 2
            if elements[middle].range.upperBound <= number { low = middle + 1 } else { high = middle }
        }
        return elements[low]
    }
}
