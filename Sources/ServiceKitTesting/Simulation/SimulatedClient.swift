public import ServiceKit

/// A client of a ``Simulation``: a balancer and the other parts of a channel, and the calls that it makes.
///
/// The parts are those of real channels. Only connections and messages are left out: a client that knows a server can call
/// it at once.
public struct SimulatedClient: Sendable {
    /// How calls come.
    public enum Load: Hashable, Sendable {
        /// At random moments, however long earlier calls take: so many per second on average.
        case perSecond(Double)
        /// From so many callers, each of which waits for its answer, and for a pause.
        case callers(Int, pause: Duration = .zero)
    }

    /// Makes a balancer; a client needs one for each priority of its nodes. The same seed must give the same picks. `p2c` by
    /// default.
    public var balancer: @Sendable (_ seed: UInt64) -> any Balancer = { PowerOfTwoChoices(seed: $0) }
    /// How calls come; 100 per second by default.
    public var load = Load.perSecond(100)
    /// How long a call may take; 5 s by default.
    public var deadline = Duration.seconds(5)
    /// How often a call is made at most, the first time included; once by default. As with real channels only failures with
    /// `unavailable` are tried again, and calls that a ``/ServiceKit/ConcurrencyLimit`` has refused if there is another server.
    public var attempts = 1
    /// How many retries and hedges are made in a row at most; 1000 by default. In any case they are held to a tenth of the calls.
    public var retryBurst = 1000
    /// How long a call has no answer before another attempt is made beside it (hedging); none by default. ``attempts`` bounds
    /// the number, and the budget of retries counts them.
    public var hedgingDelay: Duration?
    /// The methods that it calls; by default one, by the rules of the client.
    public var methods: [SimulatedMethod] = []
    /// The rules of outlier ejection; off by default.
    public var outlierEjection = OutlierEjection.Options()
    /// The rules of the circuit breakers of the method and of each server; off by default.
    public var breaker = CircuitBreaker.Options()
    /// How many servers it knows; all by default. See ``/ServiceKit/DeterministicSubset``.
    public var subset: Int?
    /// The zone that it runs in; none by default.
    public var zone: String?
    /// Whether its own zone is preferred; not by default.
    public var zones = ZonePreference.Options()
    /// How weights of new servers grow; not by default.
    public var slowStart = SlowStart.Options()
    /// The parts of a pipeline of your own; none by default.
    public var pipeline: @Sendable () -> NodePipeline = { NodePipeline() }
    /// The priorities of the calls, and their shares; all have the default.
    public var priorities: [CallPriority: Double] = [.default: 1]
    /// How many different keys calls have, each as often; none by default. For `consistent_hash`.
    public var keys = 0

    /// A client with the defaults.
    public init() {}

    /// Draws the method of a call. Without methods nothing is drawn.
    func method(_ random: inout SplitMix64) -> SimulatedMethod {
        guard let last = methods.last else { return Self.onlyMethod }
        var rest = random.fraction() * methods.reduce(0) { $0 + max(0, $1.share) }
        for method in methods {
            rest -= max(0, method.share)
            if rest < 0 { return method }
        }
        return last
    }

    private static let onlyMethod = SimulatedMethod("/simulated.v1.Simulated/Call")

    /// Draws the priority of a call.
    func priority(_ random: inout SplitMix64) -> CallPriority {
        let total = CallPriority.allCases.reduce(0) { $0 + max(0, priorities[$1] ?? 0) }
        var rest = random.fraction() * total
        for priority in CallPriority.allCases {
            rest -= max(0, priorities[priority] ?? 0)
            if rest < 0 { return priority }
        }
        return .default
    }
}
