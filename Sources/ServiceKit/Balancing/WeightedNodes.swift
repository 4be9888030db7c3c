/// Nodes, to be drawn at random in proportion to their weights.
///
/// Nodes of weight 0 get no calls and are left out, unless there is no other.
struct WeightedNodes: Sendable {
    /// A heavier node counts as this heavy, so that no sum overflows, whatever a registry holds.
    private static let maximumWeight = 1_000_000

    private var called = WeightedList()
    /// The nodes of weight 0, all alike.
    private var idle = WeightedList()

    /// Takes a change; it costs O(log n) for each node.
    mutating func apply(_ change: NodeChange) {
        for node in change.removed {
            called.remove(node)
            idle.remove(node)
        }
        for node in change.added {
            let weight = min(node.instance.weight, Self.maximumWeight)
            if weight > 0 {
                idle.remove(node)
                called.insert(node, weight: weight)
            } else {
                called.remove(node)
                idle.insert(node, weight: 1)
            }
        }
    }

    /// Draws two nodes, one after the other; they differ.
    ///
    /// - Parameters:
    ///   - request: Its nodes to avoid are not drawn while there is another.
    ///   - random: Draws them.
    /// - Returns: The nodes, or `nil` when there is none. The second is `nil` when there is one only.
    func draw(
        for request: PickRequest,
        _ random: borrowing SplitMix64
    ) -> (first: WeightedList.Element, second: WeightedList.Element?)? {
        called.isEmpty ? idle.draw(avoiding: request.avoid, random) : called.draw(avoiding: request.avoid, random)
    }
}
