internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit
private import Synchronization

/// The nodes of a channel: one connection for each endpoint that discovery names, and the balancer over those that are
/// ready.
final class NodePool: Sendable {
    fileprivate struct Member {
        var node: Node
        let connection: ClientConnection
        var isReady = false
        /// Why it could not be reached: kept while further attempts are made, until one succeeds, as otherwise every
        /// attempt would look like new hope.
        var failure: RPCError?
    }

    fileprivate struct State {
        /// What discovery has named and not taken back while it was live; a change costs what changed, and no more.
        var known = InstanceSet()
        /// By the instances' ids: those that have an endpoint to connect to.
        var members: [String: Member] = [:]
        /// The connections by their nodes' statistics, which stay with an endpoint: quicker to look up than ids.
        var connections: [ObjectIdentifier: ClientConnection] = [:]
        /// How many members are ready, and how many could not be reached: counted, as asking all of them for each that
        /// changes would make a fleet's start quadratic.
        var readyCount = 0
        var failureCount = 0
        /// The latest failure.
        var lastFailure: RPCError?
        var isLive = false
        var staleCause: String?
        var isClosed = false
    }

    /// What calls can hope for, and every change of that or of the nodes to pick.
    let outlook = Watched(Outlook())
    private let balancer: any Balancer
    private let observers: [any CallObserver]
    private let choice: NodeChoice
    private let makeConnection:
        @Sendable (Endpoint, @escaping @Sendable (ClientConnection.State) -> Void) -> ClientConnection
    private let state = Mutex(State())

    /// - Parameters:
    ///   - balancer: Chooses among the nodes that are ready.
    ///   - observers: Learn, as the balancer does, how each attempt went.
    ///   - choice: The instances and endpoints that may be connected to.
    ///   - makeConnection: Makes the connection to an endpoint, which tells its states to the function it is given.
    init(
        balancer: any Balancer,
        observers: [any CallObserver] = [],
        choice: NodeChoice,
        makeConnection:
            @escaping @Sendable (Endpoint, @escaping @Sendable (ClientConnection.State) -> Void) -> ClientConnection
    ) {
        self.balancer = balancer
        self.observers = observers
        self.choice = choice
        self.makeConnection = makeConnection
    }

    // MARK: - Discovery's side

    /// Takes over what discovery says.
    ///
    /// - Returns: Connections that are new; the caller runs them. Those no longer named are shutting down.
    func apply(_ snapshot: DiscoverySnapshot) -> [ClientConnection] {
        var effects = Effects()
        state.withLock { state in
            if state.isClosed { return }
            let changes = snapshot.instances.changes(since: state.known)
            switch snapshot.state {
            case .live:
                state.isLive = true
                for instance in changes.removed { state.remove(instance.id, &effects) }
                state.known = snapshot.instances
            case .stale(_, let cause):
                // A registry that is away takes nobody out.
                (state.isLive, state.staleCause) = (false, cause)
                for instance in changes.added + changes.updated { state.known.update(instance) }
            }
            for instance in changes.added + changes.updated { take(instance, in: &state, &effects) }
            publish(state, effects.change)
        }
        for connection in effects.removed { connection.beginGracefulShutdown() }
        // Who writes to the registry lives, however often it could not be reached before.
        for connection in effects.renewed { connection.resetBackoff() }
        return effects.added
    }

    /// The effects of a snapshot.
    fileprivate struct Effects {
        var added: [ClientConnection] = []
        var removed: [ClientConnection] = []
        var renewed: [ClientConnection] = []
        /// The nodes that the balancer can choose no longer, or can choose now.
        var change = NodeChange()
    }

    /// Takes an instance over that is new or has changed.
    private func take(_ instance: ServiceInstance, in state: inout State, _ effects: inout Effects) {
        // One that an operator has taken out of traffic is not connected to; calls that it has end.
        let endpoint = choice.endpoint(of: instance)
        if var member = state.members[instance.id], let endpoint, endpoint == member.node.endpoint {
            member.node = Node(instance: instance, endpoint: endpoint, statistics: member.node.statistics)
            state.replace(instance.id, by: member)
            if member.isReady {
                effects.change.added.append(member.node)
            } else {
                effects.renewed.append(member.connection)
            }
            return
        }
        state.remove(instance.id, &effects)
        guard let endpoint else { return }
        let node = Node(instance: instance, endpoint: endpoint)
        let connection = makeConnection(endpoint) { [weak self, id = instance.id, statistics = node.statistics] in
            self?.connection(of: id, statistics, became: $0)
        }
        state.replace(instance.id, by: Member(node: node, connection: connection))
        state.connections[ObjectIdentifier(node.statistics)] = connection
        effects.added.append(connection)
    }

    /// Shuts every connection down; calls in flight end.
    func close() {
        let connections = state.withLock { state in
            let ready = state.members.values.filter(\.isReady).map(\.node)
            let connections = Array(state.connections.values)
            state = State(isClosed: true)
            publish(state, NodeChange(removed: ready))
            return connections
        }
        for connection in connections { connection.beginGracefulShutdown() }
    }

    /// Takes the state of a member's connection.
    ///
    /// The statistics are those of the node that the connection was made for: an instance that left and came back has a
    /// new node, and what becomes of the old one's connection says nothing of it.
    private func connection(of id: String, _ statistics: NodeStatistics, became connectionState: ClientConnection.State)
    {
        state.withLock { state in
            guard var member = state.members[id], member.node.statistics === statistics else { return }
            let wasReady = member.isReady
            switch connectionState {
            case .ready:
                member.isReady = true
                member.failure = nil
            case .transientFailure(let error):
                member.isReady = false
                member.failure = error
            case .idle, .connecting, .shutdown:
                member.isReady = false
            }
            state.replace(id, by: member)
            var change = NodeChange()
            switch (wasReady, member.isReady) {
            case (false, true): change.added = [member.node]
            case (true, false): change.removed = [member.node]
            case (true, true), (false, false): break
            }
            publish(state, change)
        }
    }

    /// Tells balancer and callers of a change; under the lock, so that the latest state is told last.
    private func publish(_ state: State, _ change: NodeChange) {
        // First the balancer: whoever sees the new outlook then finds the nodes it speaks of.
        if !change.isEmpty { balancer.update(change) }
        outlook.update { outlook in
            outlook.revision += 1
            outlook.availability = state.availability(after: outlook.availability)
        }
    }

    // MARK: - The calls' side

    /// Picks a node that is ready and begins a stream to it.
    ///
    /// - Parameters:
    ///   - path: The called operation.
    ///   - number: The attempt's number; the first is 1.
    ///   - avoid: Ids of instances that failed the call before.
    ///   - begin: Begins a stream on a node's connection; throws when that is not ready any more.
    /// - Returns: The attempt, or `nil` when no node is ready now.
    /// - Throws: The error of `begin`, unless it is that the call was not processed.
    func attempt(
        _ path: String,
        number: Int,
        avoid: [String],
        _ begin: (ClientConnection) throws -> ClientStream
    ) throws -> Attempt? {
        var request = PickRequest(path: path, avoid: avoid)
        // A connection can be lost between the pick and the stream: then another is picked, and this one is not picked
        // again for the call. The bound only guards against nodes that come and go all the while.
        for _ in 0..<Self.maximumPicks {
            guard let node = balancer.pick(for: request) else { return nil }
            if let connection = connection(to: node) {
                let call = node.statistics.begin(at: request.now)
                do {
                    return Attempt(node: node, call: call, number: number, stream: try begin(connection))
                } catch let error as RPCError where error.cause is CallNotProcessed {
                    ended(node, call, path: path, number: number, with: .failed(error))
                } catch {
                    ended(node, call, path: path, number: number, with: .abandoned)
                    throw error
                }
            }
            request.avoid.append(node.instance.id)
        }
        return nil
    }

    private static let maximumPicks = 16

    private func connection(to node: Node) -> ClientConnection? {
        state.withLock { $0.connections[ObjectIdentifier(node.statistics)] }
    }

    /// Waits until what was seen has changed.
    func waitForChange(after seen: Outlook) async {
        _ = await outlook.first { $0.revision != seen.revision }
    }

    /// Tells the node's statistics, the balancer, the observers and the attempt's middleware how an attempt went.
    ///
    /// - Parameters:
    ///   - attempt: The attempt.
    ///   - path: The called operation.
    ///   - result: How it went.
    func ended(_ attempt: Attempt, of path: String, with result: AttemptResult) {
        let report = ended(attempt.node, attempt.call, path: path, number: attempt.number, with: result)
        for end in attempt.ends.reversed() { end(report) }
    }

    @discardableResult
    private func ended(
        _ node: Node,
        _ call: NodeStatistics.InFlight,
        path: String,
        number: Int,
        with result: AttemptResult
    ) -> CallReport {
        let now = NodeStatistics.now
        node.statistics.end(call, at: now, with: result.outcome)
        let report = CallReport(
            node: node,
            path: path,
            attempt: number,
            code: result.code,
            latency: now > call.start ? now - call.start : 0,
            trailers: CallMetadata(result.trailers),
            wasSent: result.wasSent,
            outcome: result.outcome
        )
        balancer.ended(report)
        for observer in observers { observer.ended(report) }
        return report
    }
}

extension NodePool.State {
    fileprivate mutating func remove(_ id: String, _ effects: inout NodePool.Effects) {
        guard let member = members[id] else { return }
        replace(id, by: nil)
        connections[ObjectIdentifier(member.node.statistics)] = nil
        effects.removed.append(member.connection)
        if member.isReady { effects.change.removed.append(member.node) }
    }

    /// Puts a member in the place of the one with the same id, or none.
    fileprivate mutating func replace(_ id: String, by member: NodePool.Member?) {
        if let old = members[id] { count(old, -1) }
        if let member {
            count(member, 1)
            if let failure = member.failure { lastFailure = failure }
        }
        members[id] = member
    }

    private mutating func count(_ member: NodePool.Member, _ number: Int) {
        if member.isReady { readyCount += number }
        if member.failure != nil { failureCount += number }
    }

    /// What calls can hope for, given what it was before.
    fileprivate func availability(after last: Availability) -> Availability {
        if isClosed { return .closed }
        if members.isEmpty {
            guard isLive else { return .resolving(cause: staleCause) }
            if case .empty = last { return last }
            return .empty(since: .now)
        }
        if readyCount > 0 { return .ready }
        guard let lastFailure, failureCount == members.count else { return .connecting }
        if case .failing(_, let since) = last { return .failing(lastFailure, since: since) }
        return .failing(lastFailure, since: .now)
    }
}
