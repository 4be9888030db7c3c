private import Synchronization

/// A node drawn at random, in proportion to the weights (`random`).
public final class RandomChoice: Balancer {
    private let nodes = Mutex(WeightedList())
    private let random: SplitMix64

    /// Creates a balancer.
    ///
    /// - Parameter seed: The same seed draws the same nodes; any by default.
    public init(seed: UInt64 = .random(in: 0 ... .max)) {
        random = SplitMix64(seed: seed)
    }

    /// Takes a change of the nodes; it costs O(log n) for each.
    public func update(_ change: NodeChange) {
        nodes.withLock { $0.apply(change) }
    }

    /// Draws a node.
    public func pick(for request: PickRequest) -> Node? {
        nodes.withLock { $0.draw(avoiding: request.avoid, random)?.first.node }
    }
}
