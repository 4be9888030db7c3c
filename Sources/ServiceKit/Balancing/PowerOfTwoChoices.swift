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
    private let now: @Sendable () -> UInt64
    private let random: SplitMix64

    /// Creates a balancer.
    public convenience init() {
        let origin = ContinuousClock.now
        self.init(random: SplitMix64()) {
            let (seconds, attoseconds) = (ContinuousClock.now - origin).components
            // 0 means "never" in the statistics, so time begins at 1.
            return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000) + 1
        }
    }

    /// Creates a balancer for tests.
    ///
    /// - Parameters:
    ///   - random: Draws the nodes.
    ///   - now: Nanoseconds from any origin, not 0.
    init(random: consuming SplitMix64, now: @escaping @Sendable () -> UInt64) {
        self.random = random
        self.now = now
    }

    /// Takes the nodes.
    public func update(_ nodes: [Node]) {
        // Built before the lock is taken, so that picks do not wait for it.
        let nodes = WeightedNodes(nodes)
        self.nodes.withLock { $0 = nodes }
    }

    /// Draws two nodes and takes the better.
    public func pick(for request: PickRequest) -> Pick? {
        let nodes = nodes.withLock(\.self).avoiding(request)
        guard let (first, second) = nodes.draw(random) else { return nil }
        let now = now()
        let chosen = second.map { Self.choose(first, $0, at: now) } ?? first.node
        return Pick(node: chosen, call: chosen.statistics.begin(at: now))
    }

    /// Learns how long the call took and whether it succeeded.
    public func ended(_ pick: Pick, with outcome: CallOutcome) {
        if let call = pick.call { pick.node.statistics.end(call, at: now(), with: outcome) }
    }

    private static func choose(
        _ first: WeightedNodes.Element,
        _ second: WeightedNodes.Element,
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
