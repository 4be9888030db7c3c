internal import ServiceKit
internal import ServiceKitConcurrency
private import Synchronization

/// A client in a simulation: the parts of a channel, from a change of the registry to a pick and back.
final class ClientModel {
    /// The ejections that policies ask for. They are applied when the event that caused them is over.
    private final class Mailbox: Sendable {
        let ejections = Mutex<[(server: String, policy: Int, duration: Duration)]>([])
    }

    /// A server that the client knows.
    private final class Place {
        let server: ServerModel
        let breaker = CircuitBreaker()
        /// The node, with the weight of its instance.
        var node: Node
        var observers: [any CallObserver]

        init(_ server: ServerModel, _ node: Node, observers: [any CallObserver]) {
            self.server = server
            self.node = node
            self.observers = observers
        }
    }

    /// How many servers whose breakers refuse a call are passed over, as with channels.
    private static let maximumRefusals = 64

    let number: Int
    private(set) var options: SimulatedClient
    /// Counts the changes of the load.
    private(set) var epoch = 0

    private unowned let simulation: Simulation
    private let clock: VirtualClock
    private let balancer: PriorityBalancer
    private let pipeline: NodePipeline
    private var subsets: [any Subset]
    private var nodes: EligibleNodes
    private var places: [String: Place] = [:]
    private let mailbox = Mailbox()
    private let budget: RetryBudget
    private let breakers: CircuitBreakers
    /// Each client and each call has numbers of its own: so policies are compared on the same calls.
    private var random: SplitMix64
    private var made: UInt64 = 0

    /// - Parameters:
    ///   - number: The number among the clients, from 0.
    ///   - place: Its index among clients of its kind, and their number.
    ///   - options: The options.
    ///   - simulation: The simulation.
    init(number: Int, place: (index: Int, count: Int), _ options: SimulatedClient, in simulation: Simulation) {
        self.number = number
        self.options = options
        self.simulation = simulation
        clock = simulation.clock
        let clock = simulation.clock
        random = SplitMix64(seed: KeyHash.number(number, of: simulation.seed))
        var seeds = SplitMix64(seed: random.next())
        balancer = PriorityBalancer(PerPriority { _ in options.balancer(seeds.next()) }, seed: seeds.next())
        var pipeline = options.pipeline()
        if options.outlierEjection.enabled {
            pipeline.ejection.append(OutlierEjection(options.outlierEjection) { clock.now })
        }
        if let size = options.subset {
            pipeline.subsets.append(
                DeterministicSubset(size: size, position: SubsetPosition(index: place.index, count: place.count)))
        }
        self.pipeline = pipeline
        subsets = pipeline.subsets
        nodes = EligibleNodes(policyCount: pipeline.ejection.count)
        budget = RetryBudget(burst: options.retryBurst, at: clock.now)
        breakers = CircuitBreakers(options.breaker, generator: SharedGenerator(seed: seeds.next())) { clock.now }
        _ = nodes.setZones(ZonePreference(options.zones, appZone: options.zone), at: clock.now)
        _ = nodes.setSlowStart(options.slowStart, at: clock.now)
    }

    // MARK: - Nodes

    /// The ids of the servers that it is connected to.
    var connections: [String] { places.keys.sorted() }

    /// Takes the registry's word.
    func update(removed: [ServerModel], added: [ServerModel]) {
        var change = InstanceChange()
        change.removed = removed.map(\.instance)
        change.added = added.map(\.instance)
        for index in subsets.indices { change = subsets[index].update(change) }
        var nodeChange = PriorityBalancer.Change()
        for instance in change.removed {
            guard let place = places.removeValue(forKey: instance.id) else { continue }
            nodes.remove(place.node, &nodeChange)
        }
        for instance in change.added { put(instance, &nodeChange) }
        publish(nodeChange)
    }

    private func put(_ instance: ServiceInstance, _ change: inout PriorityBalancer.Change) {
        guard let server = simulation.server(instance.id), let endpoint = instance.endpoints.first else { return }
        let known = places[instance.id]
        let node = Node(
            instance: instance, endpoint: endpoint, statistics: known?.node.statistics ?? balancer.makeStatistics())
        let place = known ?? Place(server, node, observers: pipeline.observers)
        place.node = node
        if known == nil {
            let mailbox = mailbox
            for (index, policy) in pipeline.ejection.enumerated() {
                let ejector = Ejector { duration in
                    mailbox.ejections.withLock { $0.append((instance.id, index, duration)) }
                }
                place.observers.append(policy.observer(of: node, ejector))
            }
        }
        places[instance.id] = place
        nodes.put(node, isReady: server.isReachable, at: clock.now, &change)
    }

    /// A server can be reached now, or no longer can.
    func reachabilityChanged(of server: ServerModel) {
        guard let place = places[server.id] else { return }
        var change = PriorityBalancer.Change()
        nodes.put(place.node, isReady: server.isReachable, at: clock.now, &change)
        publish(change)
    }

    private func publish(_ change: PriorityBalancer.Change) {
        balancer.setOwnShare(nodes.ownShare)
        balancer.update(change)
    }

    private func takeEjections() {
        let ejections = mailbox.ejections.withLock { ejections in
            defer { ejections = [] }
            return ejections
        }
        for (id, policy, duration) in ejections {
            guard let place = places[id] else { continue }
            let end = clock.now + duration.nanoseconds
            if let change = nodes.eject(id, place.node.statistics, until: end, by: policy, at: clock.now) {
                publish(change)
            }
        }
    }

    // MARK: - Calls

    /// Begins to make calls by a load.
    func start() {
        switch options.load {
        case .perSecond: scheduleArrival()
        case .callers(let count, _):
            // Not all in one moment.
            for _ in 0..<max(0, count) {
                simulation.add(.arrival(self, epoch: epoch), after: random.next() % 10_000_000)
            }
        }
    }

    func setLoad(_ load: SimulatedClient.Load) {
        options.load = load
        epoch += 1
        start()
    }

    private func scheduleArrival() {
        guard case .perSecond(let rate) = options.load, rate > 0 else { return }
        let pause = LatencyDistribution.exponential(mean: .seconds(1 / rate)).draw(&random)
        simulation.add(.arrival(self, epoch: epoch), after: pause)
    }

    /// It is time for a call.
    func arrive(_ epoch: Int) {
        guard epoch == self.epoch else { return }
        scheduleArrival()
        made += 1
        var random = SplitMix64(seed: KeyHash.number(Int(made), of: KeyHash.number(number, of: ~simulation.seed)))
        let call = SimulatedCall(
            client: self,
            begin: clock.now,
            priority: options.priority(&random),
            key: options.keys > 0 ? Int(random.next() % UInt64(options.keys)) : nil,
            method: options.method(&random),
            random: random
        )
        simulation.add(.deadline(call), after: options.deadline.nanoseconds)
        attempt(call)
    }

    /// Begins an attempt: as a channel does.
    func attempt(_ call: SimulatedCall) {
        guard !call.hasEnded else { return }
        let now = clock.now
        if now >= nodes.nextDue { publish(nodes.takeDue(at: now)) }
        let breaker: CircuitBreakers.Method?
        do throws(PreparedError) {
            breaker = try breakers.beginAttempt(of: call.method.operation)
        } catch {
            return call.inFlight.isEmpty ? end(call, .unavailable) : ()
        }
        guard let (node, balancer, place) = pick(for: call, breaker, at: now) else {
            // A hedge that cannot be made fails no call.
            return call.inFlight.isEmpty ? end(call, .unavailable) : ()
        }
        call.attempts += 1
        // Each attempt draws its work anew, whatever the attempt before drew.
        let attempt = SimulatedAttempt(
            call: call,
            server: place.server,
            node: node,
            balancer: balancer,
            inFlight: node.statistics.begin(at: now),
            breaker: breaker,
            random: SplitMix64(seed: call.random.next())
        )
        call.inFlight.append(attempt)
        simulation.send(attempt)
        if call.method.isIdempotent, let delay = call.method.hedgingDelay ?? options.hedgingDelay,
            call.attempts < mostAttempts(of: call)
        {
            simulation.add(.hedge(call, after: call.attempts), after: delay.nanoseconds)
        }
    }

    /// How often a call is made at most.
    private func mostAttempts(of call: SimulatedCall) -> Int { call.method.attempts ?? options.attempts }

    /// It is time for another attempt beside those in flight.
    func hedge(_ call: SimulatedCall, after attempts: Int) {
        guard !call.hasEnded, call.attempts == attempts, !call.inFlight.isEmpty else { return }
        guard budget.takeRetry(at: clock.now) else { return }
        // As with channels, on another server if there is one.
        call.avoid += call.inFlight.map(\.node.instance.id).filter { !call.avoid.contains($0) }
        attempt(call)
    }

    /// Picks a server whose breaker lets the call through.
    private func pick(
        for call: SimulatedCall, _ breaker: CircuitBreakers.Method?, at now: UInt64
    ) -> (Node, any Balancer, Place)? {
        var request = PickRequest(
            operation: call.method.operation,
            avoid: call.avoid,
            keyHash: call.key.map { KeyHash.number($0, of: simulation.seed) },
            now: now
        )
        var refused = 0
        var spent: Set<NodePriority> = []
        while let (node, balancer, priority) = balancer.pick(for: request, besides: spent),
            let place = places[node.instance.id]
        {
            // A balancer that picks a node to be avoided has no other left.
            let isLast = refused > 0 && request.avoids(node)
            guard let breaker, isLast || !breaker.isAdmitted(by: place.breaker, at: now) else {
                return (node, balancer, place)
            }
            balancer.ended(
                CallReport(
                    node: node, operation: request.operation, attempt: call.attempts + 1, code: .unavailable,
                    wasSent: false, outcome: .ignored))
            if isLast || refused == Self.maximumRefusals {
                spent.insert(priority)
                refused = 0
            } else {
                refused += 1
                request.avoid.append(node.instance.id)
            }
        }
        return nil
    }

    /// An answer has come.
    func answered(_ attempt: SimulatedAttempt, _ code: ServiceError.Code?, _ load: LoadReport?) {
        guard attempt.isAwaited else { return }
        let call = attempt.call
        end(attempt, code, load)
        guard let code else {
            budget.succeeded()
            return end(call, nil)
        }
        // Other attempts go on.
        if code == .unavailable || attempt.isRefused, !call.inFlight.isEmpty { return }
        let id = attempt.node.instance.id
        let failed = call.avoid.contains(id) ? call.avoid : call.avoid + [id]
        let goesElsewhere = attempt.isRefused && nodes.isAnyReady(besides: failed)
        let isRepeatable = code == .unavailable && call.method.isIdempotent
        guard isRepeatable || goesElsewhere, call.attempts < mostAttempts(of: call),
            budget.takeRetry(after: attempt.isRefused ? .refusal : .failure, at: clock.now)
        else { return end(call, code) }
        call.avoid.append(id)
        let pause = goesElsewhere || call.attempts == 1 ? .zero : call.backoff.next(using: &call.random)
        simulation.add(.attempt(call), after: pause.nanoseconds)
    }

    /// The deadline has come.
    func deadline(_ call: SimulatedCall) {
        guard !call.hasEnded else { return }
        leaveAttempts(of: call, .deadlineExceeded)
        end(call, .deadlineExceeded)
    }

    private func leaveAttempts(of call: SimulatedCall, _ code: ServiceError.Code, areOutrun: Bool = false) {
        for attempt in call.inFlight {
            end(attempt, code, nil, isOutrun: areOutrun)
            attempt.server.leave(attempt)
        }
    }

    private func end(
        _ attempt: SimulatedAttempt, _ code: ServiceError.Code?, _ load: LoadReport?, isOutrun: Bool = false
    ) {
        attempt.isAwaited = false
        attempt.call.inFlight.removeAll { $0 === attempt }
        let now = clock.now
        let status = code.map { CallStatus($0) } ?? .ok
        // The servers of a simulation refuse calls by their limits alone.
        let outcome = CallOutcome(status, isRefusal: status == .resourceExhausted)
        if isOutrun {
            attempt.node.statistics.outrun(attempt.inFlight, at: now)
        } else {
            attempt.node.statistics.end(attempt.inFlight, at: now, with: outcome, report: load)
        }
        let report = CallReport(
            node: attempt.node,
            operation: attempt.call.method.operation,
            attempt: attempt.call.attempts,
            code: code,
            latency: now - attempt.inFlight.start,
            load: load,
            outcome: outcome
        )
        attempt.balancer.ended(report)
        if let place = places[attempt.node.instance.id] {
            for observer in place.observers { observer.ended(report) }
            attempt.breaker?.ended(status, on: place.breaker, at: now)
        }
        takeEjections()
        simulation.record(attempt, code)
    }

    private func end(_ call: SimulatedCall, _ code: ServiceError.Code?) {
        call.hasEnded = true
        // The attempts that have lost against the first answer.
        leaveAttempts(of: call, .cancelled, areOutrun: code == nil)
        simulation.record(call, code)
        if case .callers(_, let pause) = options.load {
            // A caller that fails at once must not stop the time.
            simulation.add(.arrival(self, epoch: epoch), after: max(1000, pause.nanoseconds))
        }
    }
}
