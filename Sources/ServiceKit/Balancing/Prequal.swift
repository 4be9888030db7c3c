public import ServiceKitConfig
private import Synchronization

/// The node with the least latency of those that are not too busy (`prequal`): the hot/cold rule of "Load is not what you
/// should balance: Introducing Prequal" (Wydrowski et al., NSDI 2024).
///
/// For each call some nodes are drawn in proportion to their weights. A node is hot if it has more calls in flight than most
/// nodes had lately, the quantile ``Options/hotQuantile`` of them. Of the cold nodes the one with the least latency is called.
/// If all drawn nodes are hot, the one with the fewest calls in flight is.
///
/// Prequal asks servers for their load by probes. Here the answers carry it (``LoadReport``), as long as the servers have
/// `server.load-reports.enabled`. Two nodes of which one has not reported lately are compared by this client's own calls. A
/// node that keeps losing is called now and then, as with ``PowerOfTwoChoices``.
public final class Prequal: Balancer {
    /// The section `client.balancers.prequal`.
    public struct Options: ConfigurationSection, Hashable {
        /// How many nodes are drawn for a call; 5 by default.
        public var choices = 5
        /// A hot node has more calls in flight than this part of the nodes had lately; 0.84 by default.
        public var hotQuantile = 0.84
        /// How long a node goes without a call because others are better; 3 s by default.
        public var maxIdle = Duration.seconds(3)

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [
            OptionRange("choices", \.choices, 2...16),
            OptionRange("hot-quantile", \.hotQuantile, 0...1),
            OptionRange("max-idle", \.maxIdle, .milliseconds(1)...(.seconds(86_400))),
        ]

        /// The meaning of each option.
        public static let help = [
            "choices": "how many nodes are drawn for a call",
            "hot-quantile":
                "a node is hot, and avoided, if it has more calls in flight than this part of the nodes had lately",
            "max-idle": "how long a node goes without a call because others are better",
        ]
    }

    private struct State {
        var nodes: WeightedList
        /// By the calls of this client, and by those of all clients.
        var own: RecentLoads
        var total: RecentLoads
    }

    /// A drawn node with what is known of it.
    private struct Candidate {
        let node: Node
        /// Its calls in flight in proportion to its weight.
        let load: NodeLoad
        /// Its latency, in nanoseconds.
        let latency: Double

        /// Whether it is better than another one.
        ///
        /// - Parameters:
        ///   - other: The other one.
        ///   - own: A node is hot with more calls of this client in flight.
        ///   - total: If both have reported their load, a node is hot with more calls of all clients in flight.
        func isBetter(than other: Candidate, hotAbove own: Double, orTotal total: Double) -> Bool {
            let (inFlight, others) = NodeLoad.comparable(load, other.load)
            let threshold = load.total != nil && other.load.total != nil ? total : own
            return switch (inFlight > threshold, others > threshold) {
            case (false, true): true
            case (true, false): false
            case (false, false): (latency, inFlight) < (other.latency, others)
            case (true, true): (inFlight, latency) < (others, other.latency)
            }
        }
    }

    private let state: Mutex<State>
    private let choices: Int
    private let maxIdle: UInt64

    /// Creates a balancer.
    ///
    /// - Parameters:
    ///   - options: How nodes are drawn and compared.
    ///   - seed: The same seed draws the same nodes; any by default.
    public init(options: Options = Options(), seed: UInt64 = .random(in: 0 ... .max)) {
        choices = max(2, options.choices)
        maxIdle = UInt64(min(max(1, options.maxIdle / .nanoseconds(1)), 1e18))
        let loads = RecentLoads(quantile: options.hotQuantile)
        state = Mutex(State(nodes: WeightedList(seed: seed), own: loads, total: loads))
    }

    /// Takes a change of the nodes; it costs O(log n) for each.
    public func update(_ change: NodeChange) {
        state.withLock { $0.nodes.apply(change) }
    }

    /// Draws nodes, and takes the best by the hot/cold rule.
    public func pick(for request: PickRequest) -> Node? {
        state.withLock { state in
            let (own, total) = (state.own.threshold, state.total.threshold)
            var best: Candidate?
            var loser: Candidate?
            for _ in 0..<choices {
                guard let place = state.nodes.draw(avoiding: request.avoid) else { return nil }
                let candidate = Self.candidate(
                    state.nodes.node(at: place), share: state.nodes.share(place), at: request.now)
                guard let present = best else {
                    best = candidate
                    state.own.add(candidate.load.own)
                    if let total = candidate.load.total { state.total.add(total) }
                    continue
                }
                if candidate.node === present.node { continue }
                let isBetter = candidate.isBetter(than: present, hotAbove: own, orTotal: total)
                loser = loser ?? (isBetter ? present : candidate)
                if isBetter { best = candidate }
            }
            if let best, let loser, loser.node !== best.node {
                let ratio = max(1, loser.latency / max(1, best.latency))
                if loser.node.statistics.claimsTurn(against: ratio, maxIdle: maxIdle, at: request.now) {
                    return loser.node
                }
            }
            return best?.node
        }
    }

    private static func candidate(_ node: Node, share: Double, at now: UInt64) -> Candidate {
        let known = node.statistics.summary(at: now)
        // A server that fails at once has a small latency: failures make it larger, as much as in the score of `p2c`. The
        // client's own mean is a floor, so that a server cannot say less than its callers see.
        let latency = max(known.reportedLatency ?? 0, known.latency) / max(known.success * known.success, 1e-9)
        let load = NodeLoad(own: known.load.own / share, total: known.load.total.map { $0 / share })
        return Candidate(node: node, load: load, latency: latency)
    }
}

/// The calls in flight that drawn nodes had lately, and a quantile of them.
struct RecentLoads: Sendable {
    /// How many loads count.
    static let count = 128
    /// After how many loads the quantile is looked up again.
    private static let step = 16

    /// The quantile. At first each node that has a call in flight is above it.
    private(set) var threshold = 0.0
    private let quantile: Double
    private var loads: [Double] = []
    private var sorted: [Double] = []
    private var added = 0

    init(quantile: Double) {
        self.quantile = min(max(0, quantile), 1)
        loads.reserveCapacity(Self.count)
        sorted.reserveCapacity(Self.count)
    }

    mutating func add(_ load: Double) {
        if loads.count < Self.count { loads.append(load) } else { loads[added % Self.count] = load }
        added += 1
        guard added.isMultiple(of: Self.step) else { return }
        sorted.removeAll(keepingCapacity: true)
        sorted.append(contentsOf: loads)
        sorted.sort()
        threshold = sorted[Int(quantile * Double(sorted.count - 1))]
    }
}
