private import Synchronization

/// The better of two nodes drawn at random (`p2c`), by latency, success and calls in flight.
///
/// Two choices keep the most loaded node's excess at O(log log n) (Mitzenmacher, "The Power of Two Choices in
/// Randomized Load Balancing", 2001), and cost nearly the same for any number of nodes. How good a node is,
/// ``NodeStatistics`` says.
///
/// Nodes are drawn in proportion to their weights (Wieder, "Balanced Allocations with Heterogenous Bins", 2007), and the
/// first one drawn is called unless the second is clearly better: so nodes that are equally good share the calls by
/// weight. A node of weight 0 is not called while there is another.
///
/// No node starves: one that keeps losing draws is called once in 32 of them, more rarely the worse it is, and when it has
/// not been called for 3 seconds.
public final class PowerOfTwoChoices: Balancer {
    /// A score below this part of another is clearly worse. The means move by about so much from call to call.
    private static let similarity = 0.9

    private let nodes = Mutex(WeightedNodes())
    private let random: SplitMix64

    /// Creates a balancer.
    public convenience init() {
        self.init(random: SplitMix64())
    }

    /// Creates a balancer for tests.
    ///
    /// - Parameter random: Draws the nodes.
    init(random: consuming SplitMix64) {
        self.random = random
    }

    /// Takes a change of the nodes; it costs O(log n) for each.
    public func update(_ change: NodeChange) {
        nodes.withLock { $0.apply(change) }
    }

    /// Draws two nodes and takes the better.
    public func pick(for request: PickRequest) -> Node? {
        guard let (first, second) = nodes.withLock({ $0.draw(for: request, random) }) else { return nil }
        return second.map { Self.choose(first, $0, at: request.now) } ?? first.node
    }

    private static func choose(
        _ first: WeightedList.Element,
        _ second: WeightedList.Element,
        at now: UInt64
    ) -> Node {
        let firstScore = first.node.statistics.score(at: now, share: first.share)
        let secondScore = second.node.statistics.score(at: now, share: second.share)
        if firstScore < secondScore * similarity {
            return first.node.statistics.claimsTurn(against: secondScore / firstScore, at: now)
                ? first.node : second.node
        }
        if secondScore < firstScore * similarity {
            return second.node.statistics.claimsTurn(against: firstScore / secondScore, at: now)
                ? second.node : first.node
        }
        return first.node
    }
}
