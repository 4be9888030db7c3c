public import ServiceKitConfig
private import Synchronization

/// The node of the call's key (`consistent_hash`), so that calls with the same key reach the same node and find its caches
/// warm.
///
/// The key is the one of ``withBalancingKey(_:isolation:_:)``, or the value of the header ``Options/header``. A call without
/// a key goes to any node. All clients that know the same nodes map a key to the same node. When a node joins, it takes its
/// share of the keys; when a node leaves, its keys are shared out; no other key moves.
///
/// A node has as many points on a ring as its weight. A key is hashed eight times, and belongs to the hash with the next
/// point closest behind it: "Multi-Probe Consistent Hashing" (Appleton and O'Reilly, 2015). With the default weight of 100,
/// shares differ by 3 % (standard deviation); nodes of small weights, such as 1, share less evenly.
///
/// Bounded load: a node that has its share of this client's calls in flight, ``Options/loadFactor`` times the mean and at
/// least 4, is passed over for the next on the ring ("Consistent Hashing with Bounded Loads", Mirrokni, Thorup and
/// Zadimoghaddam, 2016). So a hot key uses several nodes. Calls that failed a moment ago count too (``NodeStatistics/load(at:)``): the keys of a node
/// that fails move on until it has recovered.
///
/// A pick costs the same for any number of nodes, and allocates nothing.
public final class ConsistentHash: Balancer {
    /// The section `client.balancers.consistent_hash`.
    public struct Options: ConfigurationSection, Hashable {
        /// The header whose value is the key; none by default.
        public var header: String?
        /// How many times its share of the calls in flight a node may have; 1.25 by default. `nil` for no bound. A node may have
        /// 4 calls in any case, unless it has just failed some or is slow.
        public var loadFactor: Double? = 1.25

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [OptionRange("load-factor", \.loadFactor, 1.05...100)]

        /// The meaning of each option.
        public static let help = [
            "header": "the header whose value is the key of a call; a key that the program gives goes first",
            "load-factor":
                "how many times its share of a client's calls in flight a node may have before the next gets them; "
                + "`null` for no bound",
        ]
    }

    /// The key that the program gives, or that of the header.
    public let keySource: PickKeySource
    private let nodes = Mutex(HashedNodes())
    private let loadFactor: Double?
    private let random: SharedSplitMix64

    /// Creates a balancer.
    ///
    /// - Parameters:
    ///   - options: Where the key is, and how much a node may bear.
    ///   - seed: The same seed draws the same nodes; any by default.
    public init(options: Options = Options(), seed: UInt64 = .random(in: 0 ... .max)) {
        keySource = options.header.map { .header($0.lowercased()) } ?? .program
        loadFactor = options.loadFactor.map { max($0, 1.05) }
        random = SharedSplitMix64(seed: seed)
    }

    /// Takes a change of the nodes; it costs the same for any number of other nodes.
    public func update(_ change: NodeChange) {
        nodes.withLock { $0.apply(change) }
    }

    /// The node of the key.
    public func pick(for request: PickRequest) -> Node? {
        let key = request.key ?? random.next()
        return nodes.withLock { $0.pick(key, avoiding: request, loadFactor: loadFactor) }
    }

    /// Takes the call from its node's load.
    public func ended(_ report: CallReport) {
        let latency = report.outcome == .success ? report.latency : nil
        nodes.withLock { $0.ended(report.node, latency: latency) }
    }

    /// The slots and points that picks have looked at.
    var looks: Int { nodes.withLock(\.looks) }
}
