public import ServiceKitConfig
private import Synchronization

/// One node after the other, each as often as its weight says (`weighted_round_robin`).
///
/// The weight is that of the node, ``Node/weight``. If nodes report their load (``LoadReport``), it is multiplied by what the
/// report says, in proportion to the median of the nodes that report: the calls per second that the node would serve at full
/// use, as in gRPC's policy of that name (gRFC A58). A report multiplies a weight by a tenth at least, and by ten at most. A
/// node counts as the median until it has reported for ten seconds, and when it has reported nothing for three minutes. gRPC
/// takes the mean; but one node that reports too much would move that, and take the calls of all others.
///
/// Nodes of the same weight form a group, and take turns within it. Between groups the earliest deadline comes first: the
/// next deadline of a group lies `1 / (weight · nodes)` later. So the turns of a heavy node are spread evenly, as in nginx's
/// smooth weighted round robin, but a pick costs the same for any number of nodes. Only the number of different weights
/// counts.
///
/// Each group begins at a random node and a random part of its first turn, so that many clients that start at once do not
/// call the same node.
public final class WeightedRoundRobin: Balancer {
    /// The section `client.balancers.weighted_round_robin`.
    public struct Options: ConfigurationSection, Hashable {
        /// How long a node must have reported its load before the reports count; 10 s by default.
        public var blackout = Duration.seconds(10)
        /// How long the last report of a node counts; 3 min by default.
        public var expiry = Duration.seconds(180)
        /// How much the failed part of the calls adds to the utilization: with 1, the default, a node whose calls all fail counts
        /// as wholly used.
        public var errorPenalty = 1.0

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [
            OptionRange("blackout", \.blackout, .zero...(.seconds(3600))),
            OptionRange("expiry", \.expiry, .seconds(1)...(.seconds(86_400))),
            OptionRange("error-penalty", \.errorPenalty, 0...1000),
        ]

        /// The meaning of each option.
        public static let help = [
            "blackout": "how long a node must have reported its load before the reports count",
            "expiry": "how long the last report of a node counts",
            "error-penalty": "how much the failed part of a node's calls adds to its utilization",
        ]
    }

    private let groups: Mutex<WeightGroups>

    /// Creates a balancer.
    ///
    /// - Parameters:
    ///   - options: How load reports count.
    ///   - seed: The same seed begins in the same places; any by default.
    public init(options: Options = Options(), seed: UInt64 = .random(in: 0 ... .max)) {
        groups = Mutex(WeightGroups(options, random: SplitMix64(seed: seed)))
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
