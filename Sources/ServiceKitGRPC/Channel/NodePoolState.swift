internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit

/// The nodes of a channel, under the lock of ``NodePool``. Its functions return the actions to take.
///
/// A member is an instance that the selection passes on. The legal transitions:
///
///     update           → not ready      the instance is new, or its endpoint is
///     not ready        ⇄ ready          by the state of its connection
///     ready            ⇄ ready          under another priority: its weight or its ejection has changed
///     not ready, ready → draining       the selection has dropped it, its endpoint has changed, the channel was closed
///     draining         → gone           its connection has run to its end
///
/// Each event costs O(log n) or less in the number of nodes, so that the start of a fleet is linear.
struct NodePoolState {
    struct Member {
        var node: Node
        let place: NodePlace
        /// The last state that the connection has told.
        var connectionState = ClientConnection.State.idle
        /// Why the node could not be reached: kept while further attempts are made, until one succeeds. Otherwise every
        /// attempt would look like new hope.
        var failure: RPCError?
        /// The priority under which the balancer has the node; `nil` while it is not ready.
        var priority: NodePriority?
    }

    /// The steps to take after an event.
    struct Actions {
        /// New nodes: run their connections.
        var added: [(node: Node, place: NodePlace)] = []
        /// Connections that are not needed any more.
        var shutDown: [ClientConnection] = []
        /// Connections of instances that were just written to the registry, and so live: they try again now.
        var reconnect: [ClientConnection] = []
        /// The change for the balancer.
        var change = PriorityBalancer.Change()
    }

    private(set) var selection: InstanceSelection
    /// By the instances' ids.
    private(set) var members: [String: Member] = [:]
    /// Members that have left, while calls on them end; by their connections.
    private(set) var draining: [ObjectIdentifier: Member] = [:]
    private(set) var ejections: Ejections
    private(set) var isClosed = false

    // Counted, as asking all members for each that changes would make a fleet's start quadratic.
    private var readyCounts = PerPriority { _ in 0 }
    private var failureCount = 0
    private var lastFailure: RPCError?

    init(_ selection: InstanceSelection, ejections: Ejections) {
        self.selection = selection
        self.ejections = ejections
    }

    // MARK: - Events

    /// Takes discovery's word.
    ///
    /// - Parameters:
    ///   - snapshot: The word.
    ///   - choice: The endpoints to connect to.
    ///   - makeStatistics: Makes the statistics of a new node.
    ///   - makePlace: Makes the place of a new node, from the instance's id.
    /// - Returns: The actions to take.
    mutating func update(
        _ snapshot: DiscoverySnapshot,
        _ choice: EndpointChoice,
        makeStatistics: () -> NodeStatistics,
        makePlace: (_ id: String, Endpoint, NodeStatistics) -> NodePlace
    ) -> Actions {
        var actions = Actions()
        if isClosed { return actions }
        let change = selection.update(snapshot)
        for instance in change.removed { remove(instance.id, &actions) }
        for instance in change.added {
            let endpoint = choice.endpoint(of: instance)
            if var member = members[instance.id], let endpoint, endpoint == member.node.endpoint {
                member.node = Node(
                    instance: instance,
                    endpoint: endpoint,
                    statistics: member.node.statistics,
                    attachment: member.place
                )
                put(member, &actions.change)
                if member.priority == nil { actions.reconnect.append(member.place.connection) }
                continue
            }
            remove(instance.id, &actions)
            guard let endpoint else { continue }
            let statistics = makeStatistics()
            let place = makePlace(instance.id, endpoint, statistics)
            let node = Node(instance: instance, endpoint: endpoint, statistics: statistics, attachment: place)
            put(Member(node: node, place: place), &actions.change)
            actions.added.append((node, place))
        }
        return actions
    }

    /// Takes the state of a member's connection.
    ///
    /// - Returns: The change for the balancer; `nil` when the member has left.
    mutating func connection(
        of id: String, _ statistics: NodeStatistics, became state: ClientConnection.State
    ) -> PriorityBalancer.Change? {
        // An instance that has left and come back has other statistics: the old connection's end says nothing of it.
        guard var member = members[id], member.node.statistics === statistics else { return nil }
        member.connectionState = state
        switch state {
        case .ready: member.failure = nil
        case .transientFailure(let error): member.failure = error
        case .idle, .connecting, .shutdown: break
        }
        var change = PriorityBalancer.Change()
        put(member, &change)
        return change
    }

    /// A connection has run to its end.
    mutating func connectionEnded(_ connection: ClientConnection) {
        draining[ObjectIdentifier(connection)] = nil
    }

    /// Ejects a node until a time, or puts it back.
    ///
    /// - Returns: The change for the balancer; `nil` when the member has left.
    mutating func eject(
        _ id: String, _ statistics: NodeStatistics, until end: UInt64, by policy: Int, at now: UInt64
    ) -> PriorityBalancer.Change? {
        guard let member = members[id], member.node.statistics === statistics else { return nil }
        ejections.set(end, of: member.node, by: policy, at: now)
        var change = PriorityBalancer.Change()
        put(member, at: now, &change)
        return change
    }

    /// Puts nodes back whose ejections have ended.
    mutating func restoreDue(at now: UInt64) -> PriorityBalancer.Change {
        var change = PriorityBalancer.Change()
        for id in ejections.takeDue(at: now) {
            guard let member = members[id] else { continue }
            put(member, at: now, &change)
        }
        return change
    }

    /// Drops all members.
    mutating func close() -> Actions {
        var actions = Actions()
        isClosed = true
        for id in Array(members.keys) { remove(id, &actions) }
        return actions
    }

    // MARK: - Questions

    /// The change from no nodes to all that are ready.
    var ready: PriorityBalancer.Change {
        var change = PriorityBalancer.Change()
        for member in members.values { change.move(member.node, from: nil, to: member.node, member.priority) }
        return change
    }

    /// The priority that calls go to; `nil` when no node is ready.
    var preferred: NodePriority? {
        NodePriority.allCases.first { readyCounts[$0] > 0 }
    }

    /// Whether calls can be made, given what it was before.
    func connectivity(after last: ConnectivityState) -> ConnectivityState {
        if isClosed { return .shutdown }
        if members.isEmpty {
            switch selection.state {
            case nil: return .resolving(cause: nil)
            case .stale(_, let cause): return .resolving(cause: cause)
            case .live:
                if case .empty = last { return last }
                return .empty(since: .now)
            }
        }
        if preferred != nil { return .ready }
        guard let lastFailure, failureCount == members.count else { return .connecting }
        if case .transientFailure(_, let since) = last { return .transientFailure(lastFailure, since: since) }
        return .transientFailure(lastFailure, since: .now)
    }

    // MARK: - Members

    /// Puts a member in the place of the member with the same id, with the priority that it has now.
    private mutating func put(
        _ member: Member, at now: UInt64 = NodeStatistics.now, _ change: inout PriorityBalancer.Change
    ) {
        var member = member
        if case .ready = member.connectionState {
            let isEjected = ejections.end(of: member.node, at: now) != nil
            member.priority = isEjected ? .ejected : NodePriority(of: member.node.instance)
        } else {
            member.priority = nil
        }
        let old = members.updateValue(member, forKey: member.node.instance.id)
        if let old { count(old, -1) }
        count(member, 1)
        if let failure = member.failure { lastFailure = failure }
        change.move(old?.node ?? member.node, from: old?.priority, to: member.node, member.priority)
    }

    private mutating func remove(_ id: String, _ actions: inout Actions) {
        guard var member = members.removeValue(forKey: id) else { return }
        count(member, -1)
        ejections.remove(member.node)
        actions.change.move(member.node, from: member.priority, to: member.node, nil)
        (member.connectionState, member.priority) = (.shutdown, nil)
        draining[ObjectIdentifier(member.place.connection)] = member
        actions.shutDown.append(member.place.connection)
    }

    private mutating func count(_ member: Member, _ number: Int) {
        if let priority = member.priority { readyCounts[priority] += number }
        if member.failure != nil { failureCount += number }
    }
}
