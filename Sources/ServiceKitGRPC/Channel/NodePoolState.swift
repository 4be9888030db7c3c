internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit

/// The nodes of a channel and their connections, under the lock of ``NodePool``. Its functions return the actions to take.
///
/// A member is an instance that the selection passes on. The legal transitions:
///
///     update           → not ready      the instance is new, or its endpoint is
///     not ready        ⇄ ready          by the state of its connection
///     ready            ⇄ ready          under another priority or weight, see `EligibleNodes`
///     not ready, ready → draining       the selection has dropped it, its endpoint has changed, the channel was closed
///     draining         → gone           its connection has run to its end
///
/// Each event costs O(log n) or less in the number of nodes, so that the start of a fleet is linear.
struct NodePoolState<Connection: NodeConnection> {
    struct Member {
        /// The node, with the weight of its instance.
        var node: Node
        let place: NodePlace<Connection>
        /// The last state that the connection has told.
        var connectionState = ClientConnection.State.idle
        /// Why the node could not be reached: kept while further attempts are made, until one succeeds. Otherwise every
        /// attempt would look like new hope.
        var failure: RPCError?
    }

    /// The steps to take after an event.
    struct Actions {
        /// New nodes: run their connections.
        var added: [(node: Node, place: NodePlace<Connection>)] = []
        /// Connections that are not needed any more.
        var shutDown: [Connection] = []
        /// Connections of instances that were just written to the registry, and so live: they try again now.
        var reconnect: [Connection] = []
        /// The change for the balancer.
        var change = PriorityBalancer.Change()
    }

    private(set) var selection: InstanceSelection
    /// By the instances' ids.
    private(set) var members: [String: Member] = [:]
    /// Members that have left, while calls on them end; by their connections.
    private(set) var draining: [ObjectIdentifier: Member] = [:]
    private(set) var nodes: EligibleNodes
    private(set) var isClosed = false

    // Counted, as asking all members for each that changes would make a fleet's start quadratic.
    private var failureCount = 0
    private var lastFailure: RPCError?

    /// - Parameters:
    ///   - selection: Chooses the instances.
    ///   - policyCount: How many policies eject nodes.
    init(_ selection: InstanceSelection, policyCount: Int) {
        self.selection = selection
        nodes = EligibleNodes(policyCount: policyCount)
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
        makePlace: (_ id: String, Endpoint, NodeStatistics) -> NodePlace<Connection>
    ) -> Actions {
        if isClosed { return Actions() }
        return take(selection.update(snapshot), choice, makeStatistics, makePlace)
    }

    /// Lets other subsets choose the instances.
    ///
    /// - Returns: The actions to take.
    mutating func setSubsets(
        _ subsets: [any Subset],
        _ choice: EndpointChoice,
        makeStatistics: () -> NodeStatistics,
        makePlace: (_ id: String, Endpoint, NodeStatistics) -> NodePlace<Connection>
    ) -> Actions {
        if isClosed { return Actions() }
        return take(selection.setSubsets(subsets), choice, makeStatistics, makePlace)
    }

    private mutating func take(
        _ change: InstanceChange,
        _ choice: EndpointChoice,
        _ makeStatistics: () -> NodeStatistics,
        _ makePlace: (_ id: String, Endpoint, NodeStatistics) -> NodePlace<Connection>
    ) -> Actions {
        var actions = Actions()
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
                if nodes[member.node]?.priority == nil { actions.reconnect.append(member.place.connection) }
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

    /// Whether the registry has answered, and each connection has been made or has failed.
    var isSettled: Bool {
        selection.state != nil
            && members.values.allSatisfy { member in
                switch member.connectionState {
                case .idle, .connecting: member.failure != nil
                case .ready, .transientFailure, .shutdown: true
                }
            }
    }

    /// A connection has run to its end.
    mutating func connectionEnded(_ connection: Connection) {
        draining[ObjectIdentifier(connection)] = nil
    }

    /// Ejects a node until a time, or puts it back.
    ///
    /// - Returns: The change for the balancer; `nil` when the member has left.
    mutating func eject(
        _ id: String, _ statistics: NodeStatistics, until end: UInt64, by policy: Int, at now: UInt64
    ) -> PriorityBalancer.Change? {
        nodes.eject(id, statistics, until: end, by: policy, at: now)
    }

    /// Puts nodes back whose ejections have ended, and lets weights grow.
    mutating func takeDue(at now: UInt64) -> PriorityBalancer.Change {
        nodes.takeDue(at: now)
    }

    /// When ``takeDue(at:)`` has something to do next.
    var nextDue: UInt64 { nodes.nextDue }

    /// Prefers another zone, or none, from now on.
    mutating func setZones(_ next: ZonePreference) -> PriorityBalancer.Change {
        nodes.setZones(next, at: NodeStatistics.now)
    }

    /// Lets weights grow in another way from now on.
    ///
    /// - Returns: The change for the balancer; `nil` when the options are the same.
    mutating func setSlowStart(_ options: SlowStart.Options) -> PriorityBalancer.Change? {
        nodes.setSlowStart(options, at: NodeStatistics.now)
    }

    /// Drops all members.
    mutating func close() -> Actions {
        var actions = Actions()
        isClosed = true
        for id in Array(members.keys) { remove(id, &actions) }
        return actions
    }

    // MARK: - Questions

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
        if nodes.preferred != nil { return .ready }
        guard let lastFailure, failureCount == members.count else { return .connecting }
        if case .transientFailure(_, let since) = last { return .transientFailure(lastFailure, since: since) }
        return .transientFailure(lastFailure, since: .now)
    }

    // MARK: - Members

    /// Puts a member in the place of the member with the same id.
    private mutating func put(_ member: Member, _ change: inout PriorityBalancer.Change) {
        let old = members.updateValue(member, forKey: member.node.instance.id)
        if old?.failure != nil { failureCount -= 1 }
        if let failure = member.failure { (lastFailure, failureCount) = (failure, failureCount + 1) }
        let isReady = if case .ready = member.connectionState { true } else { false }
        nodes.put(member.node, isReady: isReady, at: NodeStatistics.now, &change)
    }

    private mutating func remove(_ id: String, _ actions: inout Actions) {
        guard var member = members.removeValue(forKey: id) else { return }
        if member.failure != nil { failureCount -= 1 }
        nodes.remove(member.node, &actions.change)
        member.connectionState = .shutdown
        draining[ObjectIdentifier(member.place.connection)] = member
        actions.shutDown.append(member.place.connection)
    }
}
