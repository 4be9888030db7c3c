private import Synchronization

/// One node after the other, each as often as its weight says (`weighted_round_robin`).
///
/// Nodes of the same weight form a group, and take turns within it. Between groups the earliest deadline comes first: the
/// next deadline of a group lies `1 / (weight · nodes)` later. So the turns of a heavy node are spread evenly, as in nginx's
/// smooth weighted round robin, but a pick costs the same for any number of nodes. Only the number of different weights
/// counts.
///
/// Each group begins at a random node and a random part of its first turn, so that many clients that start at once do not
/// call the same node.
public final class WeightedRoundRobin: Balancer {
    private let groups: Mutex<WeightGroups>

    /// Creates a balancer.
    ///
    /// - Parameter seed: The same seed begins in the same places; any by default.
    public init(seed: UInt64 = .random(in: 0 ... .max)) {
        groups = Mutex(WeightGroups(random: SplitMix64(seed: seed)))
    }

    /// Takes a change of the nodes; it costs the same for any number of nodes.
    public func update(_ change: NodeChange) {
        groups.withLock { $0.apply(change) }
    }

    /// The next node; a node to avoid is passed over when there is another.
    public func pick(for request: PickRequest) -> Node? {
        groups.withLock { $0.next(avoiding: request) }
    }
}
