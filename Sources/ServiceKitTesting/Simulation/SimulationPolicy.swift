public import ServiceKit

/// A way to govern calls, to be compared with others by the same ``SimulationScenario``s.
public struct SimulationPolicy: Sendable {
    /// The name in tables.
    public let name: String
    let configure: @Sendable (inout SimulatedClient, inout SimulatedServer) -> Void

    /// Creates a policy of any kind.
    ///
    /// - Parameters:
    ///   - name: The name in tables.
    ///   - configure: Sets the options of each client and of each server, which have those of the scenario.
    public init(
        _ name: String,
        configure: @escaping @Sendable (_ client: inout SimulatedClient, _ server: inout SimulatedServer) -> Void
    ) {
        self.name = name
        self.configure = configure
    }

    /// Creates a policy that is a balancer.
    ///
    /// - Parameters:
    ///   - name: The name in tables.
    ///   - reportsLoad: Whether servers put a ``/ServiceKit/LoadReport`` into their answers; not by default.
    ///   - balancer: Makes a balancer. The same seed must give the same picks.
    public init(
        _ name: String,
        reportsLoad: Bool = false,
        balancer: @escaping @Sendable (_ seed: UInt64) -> any Balancer
    ) {
        self.init(name) { client, server in
            client.balancer = balancer
            server.reportsLoad = reportsLoad
        }
    }

    /// The balancer `p2c`, by what each client sees.
    public static let p2c = SimulationPolicy("p2c") { PowerOfTwoChoices(seed: $0) }
    /// The balancer `round_robin`.
    public static let roundRobin = SimulationPolicy("round_robin") { RoundRobin(startingAt: Int($0 % (1 << 16))) }

    /// The balancers that come with the kit; and those that use load reports once more, with reports.
    public static let balancers: [SimulationPolicy] = [
        .p2c,
        SimulationPolicy("p2c + reports", reportsLoad: true) { PowerOfTwoChoices(seed: $0) },
        SimulationPolicy("prequal + reports", reportsLoad: true) { Prequal(seed: $0) },
        SimulationPolicy("least_request") { LeastRequest(seed: $0) },
        SimulationPolicy("least_request + reports", reportsLoad: true) { LeastRequest(seed: $0) },
        SimulationPolicy("weighted_round_robin") { WeightedRoundRobin(seed: $0) },
        .roundRobin,
        SimulationPolicy("random") { RandomChoice(seed: $0) },
        SimulationPolicy("consistent_hash") { ConsistentHash(seed: $0) },
    ]

    /// `p2c` and `round_robin`, without and with a second attempt for calls that have no answer after 60 ms.
    public static let hedging: [SimulationPolicy] = [
        .p2c, SimulationPolicy("p2c + hedging") { client, _ in client.hedge() },
        .roundRobin,
        SimulationPolicy("round_robin + hedging") { client, _ in
            client.balancer = { RoundRobin(startingAt: Int($0 % (1 << 16))) }
            client.hedge()
        },
    ]

    /// `p2c` with each limit of calls in flight that servers can have.
    public static let limits: [SimulationPolicy] = ConcurrencyLimit.Algorithm.allCases.map { algorithm in
        SimulationPolicy("p2c, limit \(algorithm.rawValue)") { _, server in
            server.limit.concurrency = algorithm
            // An operator who knows the server would choose this limit: the workers, and a short queue.
            server.limit.fixed.max = 3 * server.workers
            server.limit.adaptive.targetDelay = .milliseconds(50)
            server.limit.adaptive.min = 10
        }
    }
}

extension SimulatedClient {
    fileprivate mutating func hedge() {
        attempts = 2
        hedgingDelay = .milliseconds(60)
    }
}
