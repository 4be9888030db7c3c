public import ServiceKitConfig
private import Synchronization

/// The better of two nodes drawn at random (`p2c`), by latency, success and calls in flight.
///
/// Two choices keep the most loaded node's excess at O(log log n) (Mitzenmacher, "The Power of Two Choices in
/// Randomized Load Balancing", 2001), and cost nearly the same for any number of nodes. ``NodeStatistics`` says how good a
/// node is. The calls in flight are those of this client; of two nodes that have both reported their load (``LoadReport``),
/// those of all clients.
///
/// Nodes are drawn in proportion to their weights (Wieder, "Balanced Allocations with Heterogenous Bins", 2007), and the
/// first one drawn is called unless the second is clearly better: so nodes that are equally good share the calls by
/// weight.
///
/// No node starves: a node that keeps losing draws is called once in 32 of them, more rarely the worse it is, and when it
/// has not been called for ``Options/maxIdle``.
public final class PowerOfTwoChoices: Balancer {
    /// The section `client.balancers.p2c`.
    public struct Options: ConfigurationSection, Hashable {
        /// How fast a node's latency and success forget the past: a sample's weight falls to 37 % within this time; 600 ms
        /// by default.
        public var decay = Duration.milliseconds(600)
        /// Added to each node's latency, so that differences far below it hardly count; 5 ms by default.
        public var latencyFloor = Duration.milliseconds(5)
        /// How long a node goes without a call because others are better; 3 s by default.
        public var maxIdle = Duration.seconds(3)

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [
            OptionRange("decay", \.decay, .milliseconds(1)...(.seconds(3600))),
            OptionRange("latency-floor", \.latencyFloor, .microseconds(1)...(.seconds(60))),
            OptionRange("max-idle", \.maxIdle, .milliseconds(1)...(.seconds(86_400))),
        ]
    }

    /// A score below this part of another is clearly worse. The means move by about so much from call to call.
    private static let similarity = 0.9

    private let nodes: Mutex<WeightedList>
    private let options: Options
    private let latencyFloor: Double
    private let maxIdle: UInt64

    /// Creates a balancer.
    ///
    /// - Parameters:
    ///   - options: How nodes are compared. A duration below 1 ns counts as 1 ns.
    ///   - seed: The same seed draws the same nodes; any by default.
    public init(options: Options = Options(), seed: UInt64 = .random(in: 0 ... .max)) {
        self.options = options
        nodes = Mutex(WeightedList(seed: seed))
        latencyFloor = max(1, options.latencyFloor / .nanoseconds(1))
        maxIdle = UInt64(min(max(1, options.maxIdle / .nanoseconds(1)), 1e18))
    }

    /// Takes a change of the nodes; it costs O(log n) for each.
    public func update(_ change: NodeChange) {
        nodes.withLock { $0.apply(change) }
    }

    /// Draws two nodes and takes the better.
    public func pick(for request: PickRequest) -> Node? {
        // Both within the lock: outside of it, each pick would count a reference to both nodes.
        nodes.withLock { nodes in
            guard let (first, second) = nodes.drawTwo(avoiding: request.avoid) else { return nil }
            guard let second else { return nodes.node(at: first) }
            return nodes.node(at: choose(first, second, of: nodes, at: request.now))
        }
    }

    /// Makes statistics that forget within ``Options/decay``.
    public func makeStatistics() -> NodeStatistics {
        NodeStatistics(decay: options.decay)
    }

    /// The better of two places.
    private func choose(_ first: Int, _ second: Int, of nodes: borrowing WeightedList, at now: UInt64) -> Int {
        let (firstScore, secondScore) = NodeLoad.comparable(
            nodes.scores(at: first, at: now, latencyFloor: latencyFloor),
            nodes.scores(at: second, at: now, latencyFloor: latencyFloor))
        if firstScore < secondScore * Self.similarity {
            let claims = nodes.claimsTurn(of: first, against: secondScore / firstScore, maxIdle: maxIdle, at: now)
            return claims ? first : second
        }
        if secondScore < firstScore * Self.similarity {
            let claims = nodes.claimsTurn(of: second, against: firstScore / secondScore, maxIdle: maxIdle, at: now)
            return claims ? second : first
        }
        return first
    }
}

extension PowerOfTwoChoices.Options {
    /// The meaning of each option.
    public static let help = [
        "decay": "how fast a node's latency and success forget the past",
        "latency-floor": "added to each node's latency, so that differences far below it hardly count",
        "max-idle": "how long a node goes without a call because others are better",
    ]
}
