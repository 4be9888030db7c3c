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
        var isLive = false
        var staleCause: String?
        var isClosed = false
    }

    /// A node, and the stream to it.
    struct Placement: Sendable {
        let pick: Pick
        let stream: ClientStream
    }

    /// What calls can hope for, and every change of that or of the nodes to pick.
    let outlook = Watched(Outlook())
    private let balancer: any Balancer
    private let schemes: [String]
    private let makeConnection:
        @Sendable (Endpoint, @escaping @Sendable (ClientConnection.State) -> Void) -> ClientConnection
    private let state = Mutex(State())

    /// - Parameters:
    ///   - balancer: Chooses among the nodes that are ready.
    ///   - schemes: The endpoints that may be connected to, the best first.
    ///   - makeConnection: Makes the connection to an endpoint, which tells its states to the function it is given.
    init(
        balancer: any Balancer,
        schemes: [String],
        makeConnection:
            @escaping @Sendable (Endpoint, @escaping @Sendable (ClientConnection.State) -> Void) -> ClientConnection
    ) {
        self.balancer = balancer
        self.schemes = schemes
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
            publish(state, nodesChanged: effects.nodesChanged)
        }
        for connection in effects.removed { connection.beginGracefulShutdown() }
        // Who writes to the registry lives, however often it could not be reached before.
        for connection in effects.renewed { connection.resetBackoff() }
        return effects.added
    }

    /// What a snapshot leads to.
    fileprivate struct Effects {
        var added: [ClientConnection] = []
        var removed: [ClientConnection] = []
        var renewed: [ClientConnection] = []
        /// Whether the balancer has other nodes to choose from.
        var nodesChanged = false
    }

    /// Takes an instance over that is new or has changed.
    private func take(_ instance: ServiceInstance, in state: inout State, _ effects: inout Effects) {
        // One that an operator has taken out of traffic is not connected to; calls that it has end.
        let endpoint = instance.isOffline ? nil : instance.endpoint(schemes: schemes)
        if var member = state.members[instance.id], let endpoint, endpoint == member.node.endpoint {
            member.node = Node(instance: instance, endpoint: endpoint, statistics: member.node.statistics)
            state.members[instance.id] = member
            if member.isReady { effects.nodesChanged = true } else { effects.renewed.append(member.connection) }
            return
        }
        state.remove(instance.id, &effects)
        guard let endpoint else { return }
        let node = Node(instance: instance, endpoint: endpoint)
        let connection = makeConnection(endpoint) { [weak self, id = instance.id, statistics = node.statistics] in
            self?.connection(of: id, statistics, became: $0)
        }
        state.members[instance.id] = Member(node: node, connection: connection)
        state.connections[ObjectIdentifier(node.statistics)] = connection
        effects.added.append(connection)
    }

    /// Shuts every connection down; calls in flight end.
    func close() {
        let connections = state.withLock { state in
            defer {
                state = State(isClosed: true)
                publish(state, nodesChanged: true)
            }
            return Array(state.connections.values)
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
            state.members[id] = member
            publish(state, nodesChanged: member.isReady != wasReady)
        }
    }

    /// Tells balancer and callers what has changed; under the lock, so that the latest state is told last.
    private func publish(_ state: State, nodesChanged: Bool) {
        // First the balancer: whoever sees the new outlook then finds the nodes it speaks of.
        if nodesChanged { balancer.update(state.members.values.filter(\.isReady).map(\.node)) }
        outlook.update { outlook in
            outlook.revision += 1
            outlook.availability = state.availability(after: outlook.availability)
        }
    }

    // MARK: - The calls' side

    /// Picks a node that is ready and begins a stream to it.
    ///
    /// - Parameters:
    ///   - request: What is known of the call.
    ///   - begin: Begins a stream on a node's connection; throws when that is not ready any more.
    /// - Returns: `nil` when no node is ready now.
    /// - Throws: What `begin` throws, unless it is that the call was not processed.
    func place(
        _ request: PickRequest,
        _ begin: (ClientConnection) throws -> ClientStream
    ) throws -> Placement? {
        var request = request
        // A connection can be lost between the pick and the stream: then another is picked, and this one is not picked
        // again for the call. The bound only guards against nodes that come and go all the while.
        for _ in 0..<Self.placementAttempts {
            guard let pick = balancer.pick(for: request) else { return nil }
            do {
                if let connection = connection(to: pick.node) {
                    return Placement(pick: pick, stream: try begin(connection))
                }
                balancer.ended(pick, with: .ignored)
            } catch let error as RPCError where error.cause is CallNotProcessed {
                balancer.ended(pick, with: .failure)
            } catch {
                balancer.ended(pick, with: .ignored)
                throw error
            }
            request.avoid.append(pick.node.instance.id)
        }
        return nil
    }

    private static let placementAttempts = 16

    private func connection(to node: Node) -> ClientConnection? {
        state.withLock { $0.connections[ObjectIdentifier(node.statistics)] }
    }

    /// Waits until what was seen has changed.
    func waitForChange(after seen: Outlook) async {
        _ = await outlook.first { $0.revision != seen.revision }
    }

    /// Tells the balancer how a call went.
    func ended(_ pick: Pick, with outcome: CallOutcome) {
        balancer.ended(pick, with: outcome)
    }
}

extension NodePool.State {
    fileprivate mutating func remove(_ id: String, _ effects: inout NodePool.Effects) {
        guard let member = members.removeValue(forKey: id) else { return }
        connections[ObjectIdentifier(member.node.statistics)] = nil
        effects.removed.append(member.connection)
        if member.isReady { effects.nodesChanged = true }
    }

    /// What calls can hope for, given what it was before.
    fileprivate func availability(after last: Availability) -> Availability {
        if isClosed { return .closed }
        if members.isEmpty {
            guard isLive else { return .resolving(cause: staleCause) }
            if case .empty = last { return last }
            return .empty(since: .now)
        }
        if members.values.contains(where: \.isReady) { return .ready }
        let failures = members.values.compactMap(\.failure)
        guard let failure = failures.first, failures.count == members.count else { return .connecting }
        if case .failing(_, let since) = last { return .failing(failure, since: since) }
        return .failing(failure, since: .now)
    }
}
