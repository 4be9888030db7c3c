private import Synchronization

/// A node drawn at random, in proportion to the weights (`random`).
public final class RandomChoice: Balancer {
    private let nodes: Mutex<WeightedList>

    /// Creates a balancer.
    ///
    /// - Parameter seed: The same seed draws the same nodes; any by default.
    public init(seed: UInt64 = .random(in: 0 ... .max)) {
        nodes = Mutex(WeightedList(seed: seed))
    }

    /// Takes a change of the nodes; it costs O(log n) for each.
    public func update(_ change: NodeChange) {
        nodes.withLock { $0.apply(change) }
    }

    /// Draws a node.
    public func pick(for request: PickRequest) -> Node? {
        nodes.withLock { nodes in nodes.draw(avoiding: request.avoid).map { nodes.node(at: $0) } }
    }
}
