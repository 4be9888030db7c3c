internal import ServiceKit

/// A fleet and what happens to it, for comparing policies.
public struct SimulationScenario: Sendable {
    /// The name, as `make simulate ARGS="--only slow-node"` knows it.
    public let name: String
    /// The events, in one line.
    public let summary: String
    /// The policies that it compares by default.
    public let policies: [SimulationPolicy]
    /// The servers to look at: those in trouble.
    public let watched: [String]
    /// The time that figures are of: after the trouble has begun.
    public let period: Range<Duration>
    /// The options of servers, which a policy may change.
    let server: SimulatedServer
    /// The options of clients, which a policy may change.
    let client: SimulatedClient
    let build: @Sendable (Simulation, SimulatedServer, SimulatedClient) -> Void

    /// Creates a scenario.
    ///
    /// - Parameters:
    ///   - name: The name.
    ///   - summary: The events, in one line.
    ///   - policies: The policies that it compares; the kit's balancers by default.
    ///   - watched: The servers in trouble; none by default.
    ///   - period: The time that figures are of. No call begins after it.
    ///   - server: The options of servers.
    ///   - client: The options of clients.
    ///   - build: Adds servers and clients to a simulation, with the options after the policy's changes, and the events.
    public init(
        _ name: String,
        _ summary: String,
        policies: [SimulationPolicy] = SimulationPolicy.balancers,
        watched: [String] = [],
        period: Range<Duration>,
        server: SimulatedServer = SimulatedServer(),
        client: SimulatedClient = SimulatedClient(),
        build: @escaping @Sendable (_ simulation: Simulation, SimulatedServer, SimulatedClient) -> Void
    ) {
        self.name = name
        self.summary = summary
        self.policies = policies
        self.watched = watched
        self.period = period
        self.server = server
        self.client = client
        self.build = build
    }

    /// Runs it with a policy.
    ///
    /// - Parameters:
    ///   - policy: The policy.
    ///   - seed: The random numbers' seed.
    /// - Returns: The calls of ``period``.
    public func run(_ policy: SimulationPolicy, seed: UInt64 = 1) -> SimulationResult {
        var (server, client) = (server, client)
        policy.configure(&client, &server)
        let simulation = Simulation(seed: seed)
        build(simulation, server, client)
        // The calls that are under way then are counted as well: those on a slow server above all.
        simulation.at(period.upperBound) { $0.setLoad(.perSecond(0)) }
        return simulation.run(for: period.upperBound + client.deadline + .seconds(1)).during(period)
    }
}
