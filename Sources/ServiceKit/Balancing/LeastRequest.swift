public import ServiceKitConfig
private import Synchronization

/// The node with the fewest calls in flight, of some drawn at random (`least_request`).
///
/// Two choices, the default, keep the busiest node's excess at O(log log n) (Mitzenmacher, "The Power of Two Choices in
/// Randomized Load Balancing", 2001). As in gRPC's policy of that name (gRFC A48) a node may be drawn twice, but nodes are
/// drawn in proportion to their weights, and a node of twice the weight may have twice the calls. Of two nodes that have both
/// reported their load (``LoadReport``), the calls of other clients count as well. A call that failed counts
/// for a moment as if it were in flight (``NodeStatistics/load(at:)``), so that a node that fails at once attracts no calls.
/// Latency does not count; with ``PowerOfTwoChoices`` it does.
public final class LeastRequest: Balancer {
    /// The section `client.balancers.least_request`.
    public struct Options: ConfigurationSection, Hashable {
        /// How many nodes are drawn for a call; 2 by default.
        public var choices = 2

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [OptionRange("choices", \.choices, 2...10)]

        /// The meaning of each option.
        public static let help = ["choices": "how many nodes are drawn for a call, of which the least busy is called"]
    }

    private let nodes: Mutex<WeightedList>
    private let choices: Int

    /// Creates a balancer.
    ///
    /// - Parameters:
    ///   - options: How many nodes are compared.
    ///   - seed: The same seed draws the same nodes; any by default.
    public init(options: Options = Options(), seed: UInt64 = .random(in: 0 ... .max)) {
        choices = max(2, options.choices)
        nodes = Mutex(WeightedList(seed: seed))
    }

    /// Takes a change of the nodes; it costs O(log n) for each.
    public func update(_ change: NodeChange) {
        nodes.withLock { $0.apply(change) }
    }

    /// Draws nodes, and takes the least busy.
    public func pick(for request: PickRequest) -> Node? {
        nodes.withLock { nodes in
            var best: (place: Int, load: NodeLoad)?
            for _ in 0..<choices {
                guard let place = nodes.draw(avoiding: request.avoid) else { return nil }
                // A call more: else an idle node of a large weight would be as good as an idle node of a small one.
                let share = nodes.share(place)
                var load = nodes.load(at: place, at: request.now)
                load.own = (load.own + 1) / share
                load.total = load.total.map { ($0 + 1) / share }
                if let present = best {
                    let (new, old) = NodeLoad.comparable(load, present.load)
                    if new >= old { continue }
                }
                best = (place, load)
            }
            return best.map { nodes.node(at: $0.place) }
        }
    }
}
