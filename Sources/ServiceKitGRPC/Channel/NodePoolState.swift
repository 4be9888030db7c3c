internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit

/// The nodes of a channel, to be kept under the lock of ``NodePool``. Its functions return what is to be done.
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
        let connection: ClientConnection
        /// The last state that the connection has told.
        var connectionState = ClientConnection.State.idle
        /// Why the node could not be reached: kept while further attempts are made, until one succeeds. Otherwise every
        /// attempt would look like new hope.
        var failure: RPCError?
        /// The priority under which the balancer has the node; `nil` while it is not ready.
        var priority: NodePriority?
    }

    /// A node's address, as a call needs it.
    struct Place {
        /// The id of the instance there.
        let id: String
        let connection: ClientConnection
        /// Learn of the attempts made there.
        var observers: [any CallObserver]
    }

    /// What there is to be done after an event.
    struct Actions {
        /// Members that are new. Their connections are to be run.
        var added: [(node: Node, connection: ClientConnection)] = []
        /// Connections that are not needed any more.
        var shutDown: [ClientConnection] = []
        /// Connections of instances that were just written to the registry, and so live: they try again now.
        var reconnect: [ClientConnection] = []
        /// What the balancer is told.
        var change = PriorityBalancer.Change()
    }

    private(set) var selection: InstanceSelection
    /// By the instances' ids.
    private(set) var members: [String: Member] = [:]
    /// By the statistics of their nodes: quicker to look up than ids.
    private var places: [ObjectIdentifier: Place] = [:]
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
    ///   - observers: Learn of the attempts on every node.
    ///   - makeStatistics: Makes the statistics of a new node.
    ///   - makeConnection: Makes the connection of a new node.
    /// - Returns: What is to be done.
    mutating func update(
        _ snapshot: DiscoverySnapshot,
        _ choice: EndpointChoice,
        observers: [any CallObserver],
        makeStatistics: () -> NodeStatistics,
        makeConnection: (Node) -> ClientConnection
    ) -> Actions {
        var actions = Actions()
        if isClosed { return actions }
        let change = selection.update(snapshot)
        for instance in change.removed { remove(instance.id, &actions) }
        for instance in change.added {
            let endpoint = choice.endpoint(of: instance)
            if var member = members[instance.id], let endpoint, endpoint == member.node.endpoint {
                member.node = Node(instance: instance, endpoint: endpoint, statistics: member.node.statistics)
                put(member, &actions.change)
                if member.priority == nil { actions.reconnect.append(member.connection) }
                continue
            }
            remove(instance.id, &actions)
            guard let endpoint else { continue }
            let node = Node(instance: instance, endpoint: endpoint, statistics: makeStatistics())
            let connection = makeConnection(node)
            places[ObjectIdentifier(node.statistics)] = Place(
                id: instance.id, connection: connection, observers: observers
            )
            put(Member(node: node, connection: connection), &actions.change)
            actions.added.append((node, connection))
        }
        return actions
    }

    /// Adds observers of the attempts on a node.
    mutating func observe(_ node: Node, with observers: [any CallObserver]) {
        places[ObjectIdentifier(node.statistics)]?.observers += observers
    }

    /// Takes the state of a member's connection.
    ///
    /// - Returns: What the balancer is told; `nil` when the member has left.
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
    /// - Returns: What the balancer is told; `nil` when the member has left.
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
        for statistics in ejections.takeDue(at: now) {
            guard let id = places[statistics]?.id, let member = members[id] else { continue }
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

    /// The place of a node; `nil` when it has left.
    func place(of node: Node) -> Place? {
        places[ObjectIdentifier(node.statistics)]
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
        places[ObjectIdentifier(member.node.statistics)] = nil
        ejections.remove(member.node)
        actions.change.move(member.node, from: member.priority, to: member.node, nil)
        (member.connectionState, member.priority) = (.shutdown, nil)
        draining[ObjectIdentifier(member.connection)] = member
        actions.shutDown.append(member.connection)
    }

    private mutating func count(_ member: Member, _ number: Int) {
        if let priority = member.priority { readyCounts[priority] += number }
        if member.failure != nil { failureCount += number }
    }
}
