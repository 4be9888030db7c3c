internal import GRPCCore
package import GRPCNghttp2Transport
package import ServiceKit
private import Synchronization

/// The way from discovery to a pick: the instances that pass the subsets, a connection to each, the nodes that are ready
/// in the order of their priorities, and the balancers over them. ``NodePipeline`` describes the steps.
package final class NodePool<Connection: NodeConnection>: Sendable {
    /// Makes the connection to an endpoint, which tells its states to the function that it is given.
    package typealias MakeConnection =
        @Sendable (Endpoint, @escaping @Sendable (ClientConnection.State) -> Void) -> Connection

    /// Whether calls can be made, and every change of that or of the nodes to pick.
    package let connectivity = Watched(Connectivity())

    /// Under the lock of ``state`` it is told of nodes, and its balancers are replaced.
    private let balancer: PriorityBalancer
    private let pipeline: NodePipeline
    private let choice: EndpointChoice
    private let makeConnection: MakeConnection
    private let state: Mutex<NodePoolState<Connection>>
    /// When ``takeDue(at:)`` has something to do next: asked by each pick, without the lock.
    private let nextDue = Atomic(UInt64.max)
    private let waitingCount = Atomic(0)

    /// - Parameters:
    ///   - balancer: Picks among the nodes that are ready.
    ///   - pipeline: The steps that a program adds.
    ///   - choice: The endpoints that may be connected to.
    ///   - makeConnection: Makes the connection to an endpoint.
    init(
        balancer: PriorityBalancer,
        pipeline: NodePipeline = NodePipeline(),
        choice: EndpointChoice,
        makeConnection: @escaping MakeConnection
    ) {
        self.balancer = balancer
        self.pipeline = pipeline
        self.choice = choice
        self.makeConnection = makeConnection
        state = Mutex(
            NodePoolState(
                InstanceSelection(choice, pipeline.subsets),
                policyCount: pipeline.ejection.count
            )
        )
    }

    // MARK: - Discovery's side

    /// Takes discovery's word.
    ///
    /// - Returns: Connections that are new. The caller runs them, and says so when they have ended.
    func apply(_ snapshot: DiscoverySnapshot) -> [Connection] {
        take { state in
            state.update(snapshot, choice, makeStatistics: balancer.makeStatistics, makePlace: makePlace)
        }
    }

    /// Lets other subsets choose the instances to connect to.
    ///
    /// - Returns: Connections that are new, as ``apply(_:)`` has them.
    func setSubsets(_ subsets: [any Subset]) -> [Connection] {
        take { state in
            state.setSubsets(subsets, choice, makeStatistics: balancer.makeStatistics, makePlace: makePlace)
        }
    }

    private func take(_ body: (inout NodePoolState<Connection>) -> NodePoolState<Connection>.Actions) -> [Connection] {
        let actions = state.withLock { state in
            let actions = body(&state)
            publish(state, actions.change)
            return actions
        }
        // Outside of the lock, which the policies may take; before the connections run, so that no attempt is missed.
        if !pipeline.ejection.isEmpty {
            for (node, place) in actions.added { place.observe(with: policies(of: node)) }
        }
        for connection in actions.shutDown { connection.beginGracefulShutdown() }
        for connection in actions.reconnect { connection.resetBackoff() }
        return actions.added.map(\.place.connection)
    }

    /// Takes note that a connection has run to its end.
    func connectionEnded(_ connection: Connection) {
        state.withLock { $0.connectionEnded(connection) }
    }

    /// Shuts every connection down; calls in flight end.
    func close() {
        let actions = state.withLock { state in
            let actions = state.close()
            publish(state, actions.change)
            return actions
        }
        for connection in actions.shutDown { connection.beginGracefulShutdown() }
    }

    /// Lets other balancers pick from now on. The nodes keep their connections and their statistics, which forget the
    /// past as fast as the new balancers want.
    ///
    /// - Parameter next: A balancer for each priority, without nodes.
    func replaceBalancers(with next: PerPriority<any Balancer>) {
        state.withLock { state in
            balancer.replace(with: next, nodes: state.nodes.ready)
            let statistics = balancer.makeStatistics()
            for member in state.members.values { member.node.statistics.takeDecay(of: statistics) }
        }
    }

    /// Lets weights of nodes that come into service grow in another way from now on.
    func setSlowStart(_ options: SlowStart.Options) {
        change { $0.setSlowStart(options) }
    }

    /// Prefers another zone, or none, from now on.
    func setZones(_ zones: ZonePreference) {
        change { $0.setZones(zones) }
    }

    private func makePlace(_ id: String, _ endpoint: Endpoint, _ statistics: NodeStatistics) -> NodePlace<Connection> {
        let connection = makeConnection(endpoint) { [weak self] state in
            self?.change { $0.connection(of: id, statistics, became: state) }
        }
        return NodePlace(connection, observers: pipeline.observers)
    }

    private func policies(of node: Node) -> [any CallObserver] {
        let (id, statistics) = (node.instance.id, node.statistics)
        return pipeline.ejection.enumerated().map { index, policy in
            policy.observer(of: node, Ejector { [weak self] in self?.eject(id, statistics, for: $0, by: index) })
        }
    }

    // MARK: - Eligible nodes

    private func eject(_ id: String, _ statistics: NodeStatistics, for duration: Duration, by policy: Int) {
        let now = NodeStatistics.now
        // No longer than a century, so that no sum overflows.
        let end = now + UInt64(min(max(0, duration / .nanoseconds(1)), 3e18))
        change { $0.eject(id, statistics, until: end, by: policy, at: now) }
    }

    private func takeDue(at now: UInt64) {
        change { $0.takeDue(at: now) }
    }

    private func change(_ body: (inout NodePoolState<Connection>) -> PriorityBalancer.Change?) {
        state.withLock { state in
            guard let change = body(&state) else { return }
            publish(state, change)
        }
    }

    /// Tells balancer and callers of a change; under the lock, so that the latest state is told last.
    private func publish(_ state: NodePoolState<Connection>, _ change: PriorityBalancer.Change) {
        nextDue.store(state.nextDue, ordering: .relaxed)
        balancer.setOwnShare(state.nodes.ownShare)
        // First the balancer: a call that sees the new connectivity then finds its nodes.
        balancer.update(change)
        connectivity.update { connectivity in
            connectivity.revision += 1
            connectivity.state = state.connectivity(after: connectivity.state)
        }
    }

    // MARK: - The calls' side

    private static var maximumPicks: Int { 16 }
    /// How many instances of a priority whose breakers refuse a call are passed over.
    private static var maximumRefusals: Int { 64 }

    /// Where the key of a call is that the balancer goes by.
    package var keySource: PickKeySource { balancer.keySource }

    /// Picks a node that is ready and begins a stream to it.
    ///
    /// - Parameters:
    ///   - operation: The called operation.
    ///   - number: The attempt's number; the first is 1.
    ///   - avoid: Ids of instances that failed the call before.
    ///   - key: The hash of the call's key, if it has one.
    ///   - lane: The call's lane, if it has one.
    ///   - breaker: The circuit breaker of the method; `nil` if breakers are off.
    ///   - begin: Begins a stream on a node's connection; throws when that is not ready any more.
    /// - Returns: The pick and the stream, or `nil` when no node is ready now.
    /// - Throws: The error of `begin`, unless it is that the call was not processed; `CircuitBreakers.noInstance` when the
    ///   breakers of all instances refuse the call.
    package func attempt<Stream>(
        _ operation: String,
        number: Int,
        avoid: [String],
        key: UInt64? = nil,
        lane: String? = nil,
        breaker: CircuitBreakers.Method? = nil,
        _ begin: (Connection) throws -> Stream
    ) throws -> (pick: Pick<Connection>, stream: Stream)? {
        var request = PickRequest(operation: operation, avoid: avoid, keyHash: key)
        request.lane = lane
        if request.now >= nextDue.load(ordering: .relaxed) { takeDue(at: request.now) }
        // A connection can be lost between the pick and the stream, and a breaker can refuse a call: then another node is
        // picked, and this one is not picked again for the call. When breakers refuse all nodes of a priority, those of the
        // next are picked. The bounds guard against nodes that come and go all the while, and against a fleet that has failed
        // as a whole.
        var (lost, refused) = (0, 0)
        var spent: Set<NodePriority> = []
        while lost < Self.maximumPicks {
            guard let picked = balancer.pick(for: request, besides: spent) else {
                if spent.isEmpty { return nil }
                throw CircuitBreakers.noInstance
            }
            let (node, balancer, priority) = picked
            if let place = node.attachment as? NodePlace<Connection> {
                if let breaker {
                    // A balancer that picks a node to be avoided has no other left.
                    let isLast = refused > 0 && request.avoids(node)
                    if isLast || !breaker.isAdmitted(by: place.breaker, at: request.now) {
                        self.balancer.passOver(picked, of: operation, attempt: number)
                        if isLast || refused == Self.maximumRefusals {
                            spent.insert(priority)
                            refused = 0
                        } else {
                            refused += 1
                            request.avoid.append(node.instance.id)
                        }
                        continue
                    }
                }
                let pick = Pick(
                    node: node,
                    place: place,
                    balancer: balancer,
                    call: node.statistics.begin(at: request.now),
                    number: number,
                    breaker: breaker
                )
                do {
                    let stream = try begin(place.connection)
                    return (consume pick, stream)
                } catch let error as RPCError where error.cause is CallNotProcessed {
                    ended(pick, of: operation, with: .failed(error))
                } catch {
                    ended(pick, of: operation, with: .abandoned)
                    throw error
                }
            }
            lost += 1
            request.avoid.append(node.instance.id)
        }
        return nil
    }

    /// Whether any node is ready but those of some instances, each named once.
    package func isAnyReady(besides ids: [String]) -> Bool {
        state.withLock { $0.nodes.isAnyReady(besides: ids) }
    }

    /// Waits until what was seen has changed.
    package func waitForChange(after seen: Connectivity) async {
        waitingCount.add(1, ordering: .relaxed)
        defer { waitingCount.subtract(1, ordering: .relaxed) }
        _ = await connectivity.first { $0.revision != seen.revision }
    }

    /// Tells the node's statistics, the balancer, the observers and the attempt's middleware how an attempt went.
    ///
    /// - Parameters:
    ///   - pick: The node that the attempt went to.
    ///   - ends: The attempt's middleware.
    ///   - operation: The called operation.
    ///   - result: How it went.
    package func ended(
        _ pick: Pick<Connection>,
        _ ends: [CallAttempt.End] = [],
        of operation: String,
        with result: AttemptResult
    ) {
        let now = NodeStatistics.now
        let load = result.load ?? LoadReport(result.trailers)
        if result.isOutrun {
            pick.node.statistics.outrun(pick.call, at: now)
        } else {
            pick.node.statistics.end(pick.call, at: now, with: result.outcome, report: load)
        }
        var report = CallReport(
            node: pick.node,
            operation: operation,
            attempt: pick.number,
            code: result.code,
            latency: (result.answeredAt ?? now) > pick.call.start ? (result.answeredAt ?? now) - pick.call.start : 0,
            trailers: CallMetadata(result.trailers),
            load: load,
            wasSent: result.wasSent,
            outcome: result.outcome
        )
        report.status = result.status
        pick.balancer.ended(report)
        pick.place.ended(report)
        pick.breaker?.ended(result.status, on: pick.place.breaker, at: now)
        for end in ends.reversed() { end(report) }
    }

    // MARK: - The operators' side

    /// Waits until the registry has answered, and each connection has been made or has failed.
    func settle() async {
        while !Task.isCancelled {
            // Read before the look, so that no change is missed.
            let seen = connectivity.value
            if state.withLock(\.isSettled) { return }
            await waitForChange(after: seen)
        }
    }

    /// A snapshot of the pool. It costs O(n log n); the lock is held for a copy only.
    func snapshot(of service: String, _ breakers: CircuitBreakers) -> ChannelSnapshot {
        let now = NodeStatistics.now
        if now >= nextDue.load(ordering: .relaxed) { takeDue(at: now) }
        let connectivity = connectivity.value.state
        let waiting = waitingCount.load(ordering: .relaxed)
        return ChannelSnapshot(
            of: service, state.withLock(\.self), connectivity, at: now, callsWaiting: waiting, breakers
        )
    }
}

extension NodePool<ClientConnection> {
    /// Tells how an attempt of a gRPC call went.
    func ended(_ attempt: Attempt, of operation: String, with result: AttemptResult) {
        ended(attempt.pick, attempt.ends, of: operation, with: result)
    }
}
