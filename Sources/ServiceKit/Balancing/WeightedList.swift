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

    private var nodes: [Node] = []
    /// Those of the nodes, in the same places: so a draw reads no node that is not taken.
    ///
    /// Unmanaged, as each draw would else count a reference to statistics, and take it back, for each question to them. They
    /// live as long as the list has them: `nodes` holds the node in the same place, and the node holds its statistics.
    private var statistics: [Unmanaged<NodeStatistics>] = []
    private var weights: [UInt32] = []
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
    private var random: SplitMix64

    /// Creates a list without nodes.
    ///
    /// - Parameter seed: The same seed draws the same nodes.
    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
    }

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
            statistics[index] = .passUnretained(node.statistics)
            setWeight(weight, at: index)
            return
        }
        indices[node.instance.id] = nodes.count
        nodes.append(node)
        statistics.append(.passUnretained(node.statistics))
        weights.append(UInt32(weight))
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
            setWeight(weight(last), at: index)
            nodes[index] = nodes[last]
            statistics[index] = statistics[last]
            indices[nodes[index].instance.id] = index
        }
        total -= weight(last)
        nodes.removeLast()
        statistics.removeLast()
        weights.removeLast()
        sums.removeLast()
        removals += 1
        if removals > nodes.count {
            removals = 0
            largest = Int(weights.max() ?? 0)
        }
    }

    private mutating func setWeight(_ weight: Int, at index: Int) {
        let difference = weight - self.weight(index)
        if difference == 0 { return }
        weights[index] = UInt32(weight)
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
    /// - Parameter avoid: Ids of instances that are drawn only when there is no other.
    /// - Returns: The places of the nodes, or `nil` when the list is empty. The second is `nil` when there is no other.
    mutating func drawTwo(avoiding avoid: [String]) -> (first: Int, second: Int?)? {
        if nodes.count < 2 { return nodes.isEmpty ? nil : (0, nil) }
        if let avoided = places(of: avoid) { return drawTwo(besides: avoided) }
        let first = draw()
        return (first, drawByRejection(besides: first) ?? find(number(besides: span(first))))
    }

    /// Draws a node.
    ///
    /// - Parameter avoid: Ids of instances that are drawn only when there is no other.
    /// - Returns: The place of the node, or `nil` when the list is empty.
    mutating func draw(avoiding avoid: [String]) -> Int? {
        if nodes.count < 2 { return nodes.isEmpty ? nil : 0 }
        if let avoided = places(of: avoid) { return drawTwo(besides: avoided).first }
        return draw()
    }

    private mutating func draw() -> Int {
        drawByRejection() ?? find(random.next(below: total))
    }

    /// The places of nodes that are to be avoided; `nil` if these are none or all.
    private func places(of avoid: [String]) -> Set<Int>? {
        if avoid.isEmpty { return nil }
        let places = Set(avoid.compactMap { indices[$0] })
        return places.isEmpty || places.count == nodes.count ? nil : places
    }

    /// The node at a place.
    func node(at place: Int) -> Node { nodes[place] }

    /// The weight of the node at a place in proportion to the mean: 1 where all are alike.
    func share(_ place: Int) -> Double {
        Double(weights[place]) * Double(nodes.count) / Double(total)
    }

    /// How good the node at a place is to call.
    func scores(at place: Int, at now: UInt64, latencyFloor: Double) -> NodeLoad {
        statistics[place]._withUnsafeGuaranteedRef {
            $0.scores(at: now, share: share(place), latencyFloor: latencyFloor)
        }
    }

    /// Whether the node at a place, which has lost a draw, is called all the same.
    func claimsTurn(of place: Int, against ratio: Double, maxIdle: UInt64, at now: UInt64) -> Bool {
        statistics[place]._withUnsafeGuaranteedRef { $0.claimsTurn(against: ratio, maxIdle: maxIdle, at: now) }
    }

    /// The load of the node at a place.
    func load(at place: Int, at now: UInt64) -> NodeLoad {
        statistics[place]._withUnsafeGuaranteedRef { $0.load(at: now) }
    }

    /// Draws a node; `nil` if too many draws were rejected.
    private mutating func drawByRejection(besides other: Int? = nil) -> Int? {
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
    private mutating func drawTwo(besides avoided: Set<Int>) -> (first: Int, second: Int?) {
        var spans = avoided.map(span).sorted { $0.lowerBound < $1.lowerBound }
        let first = find(number(besides: spans))
        if avoided.count + 1 == nodes.count { return (first, nil) }
        let span = span(first)
        spans.insert(span, at: spans.firstIndex { $0.lowerBound > span.lowerBound } ?? spans.endIndex)
        return (first, find(number(besides: spans)))
    }

    /// A random number that is not in a span.
    private mutating func number(besides span: Range<Int>) -> Int {
        let number = random.next(below: total - span.count)
        return number < span.lowerBound ? number : number + span.count
    }

    /// A random number that is in none of these spans, which are in order.
    private mutating func number(besides spans: [Range<Int>]) -> Int {
        var number = random.next(below: spans.reduce(total) { $0 - $1.count })
        for span in spans where number >= span.lowerBound { number += span.count }
        return number
    }

    private func weight(_ place: Int) -> Int { Int(weights[place]) }

    /// The numbers of a node.
    private func span(_ index: Int) -> Range<Int> {
        var start = 0
        var end = index
        while end > 0 {
            start += sums[end - 1]
            end -= end & -end
        }
        return start..<start + weight(index)
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
