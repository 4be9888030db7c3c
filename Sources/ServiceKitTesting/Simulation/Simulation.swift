internal import ServiceKit

/// A fleet in virtual time: servers with queues, and clients with the balancers, ejections, breakers, subsets, zones, budgets
/// and limits of real channels and servers. They are the code that ships, not models of it. The network, the servers' work and
/// the loop that makes a call's attempts are the simulation's own.
///
/// Nothing waits: a minute of ten servers takes a fraction of a second. The same seed gives the same result, to the last
/// nanosecond.
///
/// ```swift
/// let simulation = Simulation(seed: 1)
/// simulation.addServers(10, SimulatedServer())
/// simulation.addClients(4, SimulatedClient())
/// simulation.at(.seconds(5)) { $0.changeServer("server-3") { $0.speed = 0.1 } }
/// let result = simulation.run(for: .seconds(20))
/// print(result.during(.seconds(6)..<(.seconds(20))).share(of: "server-3"))
/// ```
public final class Simulation {
    /// How long a message takes from a client to a server, and back; 250 µs by default.
    public var networkDelay = LatencyDistribution.constant(.microseconds(250))

    let seed: UInt64
    let clock = VirtualClock()
    private var events = EventQueue()
    private var servers: [ServerModel] = []
    private var serverNumbers: [String: Int] = [:]
    private var clients: [ClientModel] = []
    private var networkRandom: SplitMix64
    private var calls: [SimulationResult.Call] = []
    private var attempts: [SimulationResult.Attempt] = []

    /// Creates a fleet without servers and clients.
    ///
    /// - Parameter seed: The random numbers' seed.
    public init(seed: UInt64 = 1) {
        self.seed = KeyHash.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
        networkRandom = SplitMix64(seed: self.seed &+ 1)
    }

    /// The time since the start.
    public var now: Duration { Duration(nanoseconds: clock.now - VirtualClock.origin) }

    // MARK: - The fleet

    /// Adds a server, and registers it.
    ///
    /// - Parameters:
    ///   - id: Its id, which no other server has or had.
    ///   - options: Its options.
    public func addServer(_ id: String, _ options: SimulatedServer = SimulatedServer()) {
        precondition(serverNumbers[id] == nil, "there is a server \(id) already")
        let server = ServerModel(id, number: servers.count, options, in: self)
        serverNumbers[id] = servers.count
        servers.append(server)
        for client in clients { client.update(removed: [], added: [server]) }
    }

    /// Adds servers `server-0`, `server-1` and so on, behind those that there are.
    public func addServers(_ count: Int, _ options: SimulatedServer = SimulatedServer()) {
        for _ in 0..<count { addServer("server-\(servers.count)", options) }
    }

    /// Takes a server out of the registry. It still serves the calls that it has.
    public func removeServer(_ id: String) {
        guard let server = server(id), server.isRegistered else { return }
        server.isRegistered = false
        for client in clients { client.update(removed: [server], added: []) }
    }

    /// Changes a server's options. Its labels are those that it has registered with.
    public func changeServer(_ id: String, _ change: (inout SimulatedServer) -> Void) {
        guard let server = server(id) else { return }
        var options = server.options
        let wasReachable = server.isReachable
        change(&options)
        server.change(options)
        guard server.isReachable != wasReachable, server.isRegistered else { return }
        for client in clients { client.reachabilityChanged(of: server) }
    }

    /// Changes the options of all servers.
    public func changeServers(_ change: (inout SimulatedServer) -> Void) {
        for server in servers { changeServer(server.id, change) }
    }

    /// Adds clients, which know all servers and begin to make calls. Their places in subsets are among these clients.
    public func addClients(_ count: Int, _ options: SimulatedClient = SimulatedClient()) {
        for index in 0..<count {
            let client = ClientModel(number: clients.count, place: (index, count), options, in: self)
            clients.append(client)
            client.update(removed: [], added: servers.filter(\.isRegistered))
            client.start()
        }
    }

    /// Changes how calls come to all clients.
    public func setLoad(_ load: SimulatedClient.Load) {
        for client in clients { client.setLoad(load) }
    }

    /// How many calls per second all servers serve at most.
    public var capacity: Double { servers.filter(\.isRegistered).reduce(0) { $0 + $1.options.capacity } }

    /// The ids of the servers that each client is connected to.
    public var connections: [[String]] { clients.map(\.connections) }

    // MARK: - The time

    /// Does something at a time.
    ///
    /// - Parameters:
    ///   - time: The time since the start; if it has passed, now.
    ///   - action: Gets the simulation.
    public func at(_ time: Duration, _ action: @escaping (Simulation) -> Void) {
        events.add(.action(action), at: max(clock.now, VirtualClock.origin + time.nanoseconds))
    }

    /// Does something again and again, first after a period.
    public func every(_ period: Duration, _ action: @escaping (Simulation) -> Void) {
        at(now + max(period, .nanoseconds(1))) { simulation in
            action(simulation)
            simulation.every(period, action)
        }
    }

    /// Lets time pass.
    ///
    /// - Parameter duration: How long, from now.
    /// - Returns: All calls so far that have ended.
    @discardableResult
    public func run(for duration: Duration) -> SimulationResult {
        let end = clock.now + duration.nanoseconds
        while let (time, event) = events.next(before: end) {
            clock.now = time
            handle(event)
        }
        clock.now = end
        return SimulationResult(servers: servers.map(\.id), period: .zero..<now, calls: calls, attempts: attempts)
    }

    private func handle(_ event: SimulationEvent) {
        switch event {
        case .arrival(let client, let epoch): client.arrive(epoch)
        case .attempt(let call): call.client.attempt(call)
        case .hedge(let call, let attempts): call.client.hedge(call, after: attempts)
        case .serve(let attempt): attempt.server.serve(attempt)
        case .finish(let attempt): attempt.server.finish(attempt)
        case .answer(let attempt, let code, let load): attempt.call.client.answered(attempt, code, load)
        case .deadline(let call): call.client.deadline(call)
        case .action(let action): action(self)
        }
    }

    // MARK: - What the models ask for

    func server(_ id: String) -> ServerModel? { serverNumbers[id].map { servers[$0] } }

    func add(_ event: SimulationEvent, after pause: UInt64) {
        events.add(event, at: clock.now + pause)
    }

    func send(_ attempt: SimulatedAttempt) {
        add(.serve(attempt), after: networkDelay.draw(&networkRandom))
    }

    func answer(_ attempt: SimulatedAttempt, _ code: ServiceError.Code?, _ load: LoadReport?) {
        add(.answer(attempt, code, load), after: networkDelay.draw(&networkRandom))
    }

    func record(_ call: SimulatedCall, _ code: ServiceError.Code?) {
        calls.append(
            SimulationResult.Call(
                client: call.client.number,
                priority: call.priority,
                key: call.key,
                operation: call.method.operation,
                attempts: call.attempts,
                code: code,
                beginNanoseconds: call.begin - VirtualClock.origin,
                latencyNanoseconds: clock.now - call.begin
            )
        )
    }

    func record(_ attempt: SimulatedAttempt, _ code: ServiceError.Code?) {
        attempts.append(
            SimulationResult.Attempt(
                client: attempt.call.client.number,
                server: attempt.server.number,
                key: attempt.call.key,
                code: code,
                beginNanoseconds: attempt.inFlight.start - VirtualClock.origin,
                latencyNanoseconds: clock.now - attempt.inFlight.start,
                queueNanoseconds: attempt.queueDelay
            )
        )
    }
}
