/// Nodes, drawn in proportion to their weights. A change costs O(log n). So does a draw, and mostly O(1).
///
/// A draw is by rejection first (von Neumann, "Various Techniques Used in Connection with Random Digits", 1951): any node,
/// taken with the probability of its weight ÷ the largest one. Where weights are alike, the first is taken, however many
/// nodes there are.
///
/// When some draws have been rejected, because few nodes are heavy, a search follows. The weights' sums are kept in a binary
/// indexed tree (Fenwick, "A New Data Structure for Cumulative Frequency Tables", 1994). Each node has a span of the numbers
/// from 0 up to the total: the search finds the node whose span has a random number. Both ways draw in the same proportion.
struct WeightedList: Sendable {
    /// A heavier node counts as this heavy, so that no weight in a registry makes a sum overflow.
    static let maximumWeight = 1_000_000

    struct Element: Sendable {
        let node: Node
        /// The weight in proportion to the mean: 1 where all are alike.
        let share: Double
    }

    private var nodes: [Node] = []
    /// Those of the nodes: so a draw reads no node that is not taken.
    private var statistics: [NodeStatistics] = []
    private var weights: [Int] = []
    /// `sums[i - 1]` is the sum of the `i & -i` weights that end with the i-th.
    private var sums: [Int] = []
    /// The places of the nodes, by the ids of their instances.
    private var indices: [String: Int] = [:]
    private var total = 0
    /// At least the largest weight.
    private var largest = 0
    /// The removals since `largest` was the largest weight.
    private var removals = 0
    /// How many draws may be rejected before a search.
    private static let rejections = 4

    // MARK: - Changes

    /// Takes a change.
    mutating func apply(_ change: NodeChange) {
        for node in change.removed { remove(node) }
        for node in change.added { insert(node) }
    }

    /// Adds a node, in the place of the earlier node of the same instance. Nodes of weight 0, which are on a list of their
    /// own, are all alike.
    mutating func insert(_ node: Node) {
        let weight = min(max(node.weight, 1), Self.maximumWeight)
        if let index = indices[node.instance.id] {
            nodes[index] = node
            statistics[index] = node.statistics
            setWeight(weight, at: index)
            return
        }
        indices[node.instance.id] = nodes.count
        nodes.append(node)
        statistics.append(node.statistics)
        weights.append(weight)
        total += weight
        largest = max(largest, weight)
        let end = nodes.count
        var sum = weight
        var part = end - 1
        while part > end - (end & -end) {
            sum += sums[part - 1]
            part -= part & -part
        }
        sums.append(sum)
    }

    /// Removes the node of the same instance, if there is one. The last node takes its place.
    mutating func remove(_ node: Node) {
        guard let index = indices.removeValue(forKey: node.instance.id) else { return }
        let last = nodes.count - 1
        if index < last {
            setWeight(weights[last], at: index)
            nodes[index] = nodes[last]
            statistics[index] = statistics[last]
            indices[nodes[index].instance.id] = index
        }
        total -= weights[last]
        nodes.removeLast()
        statistics.removeLast()
        weights.removeLast()
        sums.removeLast()
        removals += 1
        if removals > nodes.count {
            removals = 0
            largest = weights.max() ?? 0
        }
    }

    private mutating func setWeight(_ weight: Int, at index: Int) {
        let difference = weight - weights[index]
        if difference == 0 { return }
        weights[index] = weight
        largest = max(largest, weight)
        total += difference
        var end = index + 1
        while end <= sums.count {
            sums[end - 1] += difference
            end += end & -end
        }
    }

    // MARK: - Draws

    /// Draws two different nodes, one after the other.
    ///
    /// - Parameters:
    ///   - avoid: Ids of instances that are drawn only when there is no other.
    ///   - random: Draws the nodes.
    /// - Returns: The nodes, or `nil` when the list is empty. The second is `nil` when there is no other.
    func draw(
        avoiding avoid: [String],
        _ random: borrowing SplitMix64
    ) -> (first: Element, second: Element?)? {
        drawPlaces(avoiding: avoid, random).map { (element($0), $1.map(element)) }
    }

    /// The same, by their places: so a pick counts no reference to a node that it does not take.
    func drawPlaces(
        avoiding avoid: [String],
        _ random: borrowing SplitMix64
    ) -> (first: Int, second: Int?)? {
        if nodes.count < 2 { return nodes.isEmpty ? nil : (0, nil) }
        if !avoid.isEmpty {
            let avoided = Set(avoid.compactMap { indices[$0] })
            if !avoided.isEmpty && avoided.count < nodes.count { return draw(besides: avoided, random) }
        }
        let first = drawByRejection(random) ?? find(random.next(below: total))
        let second = drawByRejection(besides: first, random) ?? find(number(besides: span(first), random))
        return (first, second)
    }

    /// The node at a place.
    func node(at place: Int) -> Node { nodes[place] }

    /// How good the node at a place is to call.
    func scores(at place: Int, at now: UInt64, latencyFloor: Double) -> NodeLoad {
        statistics[place].scores(at: now, share: share(place), latencyFloor: latencyFloor)
    }

    /// Draws a node; `nil` if too many draws were rejected.
    private func drawByRejection(besides other: Int? = nil, _ random: borrowing SplitMix64) -> Int? {
        for _ in 0..<Self.rejections {
            // The high half of the product is a random place; the low half decides whether it is taken.
            let (high, low) = UInt64(nodes.count).multipliedFullWidth(by: random.next())
            let index = Int(high)
            let isTaken = low.multipliedFullWidth(by: UInt64(largest)).high < UInt64(weights[index])
            if isTaken && index != other { return index }
        }
        return nil
    }

    /// Draws from the nodes that are not at these places; there is at least one.
    private func draw(
        besides avoided: Set<Int>,
        _ random: borrowing SplitMix64
    ) -> (first: Int, second: Int?) {
        var spans = avoided.map(span).sorted { $0.lowerBound < $1.lowerBound }
        let first = find(number(besides: spans, random))
        if avoided.count + 1 == nodes.count { return (first, nil) }
        let span = span(first)
        spans.insert(span, at: spans.firstIndex { $0.lowerBound > span.lowerBound } ?? spans.endIndex)
        return (first, find(number(besides: spans, random)))
    }

    /// A random number that is not in a span.
    private func number(besides span: Range<Int>, _ random: borrowing SplitMix64) -> Int {
        let number = random.next(below: total - span.count)
        return number < span.lowerBound ? number : number + span.count
    }

    /// A random number that is in none of these spans, which are in order.
    private func number(besides spans: [Range<Int>], _ random: borrowing SplitMix64) -> Int {
        var number = random.next(below: spans.reduce(total) { $0 - $1.count })
        for span in spans where number >= span.lowerBound { number += span.count }
        return number
    }

    private func element(_ index: Int) -> Element {
        Element(node: nodes[index], share: share(index))
    }

    private func share(_ index: Int) -> Double {
        Double(weights[index]) * Double(nodes.count) / Double(total)
    }

    /// The numbers of a node.
    private func span(_ index: Int) -> Range<Int> {
        var start = 0
        var end = index
        while end > 0 {
            start += sums[end - 1]
            end -= end & -end
        }
        return start..<start + weights[index]
    }

    /// The node whose span has a number.
    private func find(_ number: Int) -> Int {
        var index = 0
        var rest = number
        var step = 1 << (Int.bitWidth - 1 - sums.count.leadingZeroBitCount)
        while step > 0 {
            let end = index + step
            if end <= sums.count, sums[end - 1] <= rest {
                rest -= sums[end - 1]
                index = end
            }
            step >>= 1
        }
        return index
    }
}
