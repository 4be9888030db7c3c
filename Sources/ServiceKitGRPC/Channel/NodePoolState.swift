internal import GRPCCore
internal import GRPCNghttp2Transport
internal import HeapModule
internal import ServiceKit

/// The nodes of a channel, under the lock of ``NodePool``. Its functions return the actions to take.
///
/// A member is an instance that the selection passes on. The legal transitions:
///
///     update           → not ready      the instance is new, or its endpoint is
///     not ready        ⇄ ready          by the state of its connection
///     ready            ⇄ ready          under another priority: its weight or its ejection has changed; or with a weight
///                                       that grows, see ``SlowStart``
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
        /// Since when the node is in service: since it was ready for the first time, or since its last ejection ended.
        var inServiceSince: UInt64?
        /// When its weight grows next.
        var nextStep: UInt64?
    }

    /// A time at which a node is looked at again.
    private struct Due: Comparable {
        let time: UInt64
        let id: String

        static func < (left: Due, right: Due) -> Bool { left.time < right.time }
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
    private var zones = ZonePreference()
    private var slowStartOptions = SlowStart.Options()
    private var slowStart = SlowStart(SlowStart.Options())
    /// The next steps of weights that grow. Entries whose node has another `nextStep` are passed over.
    private var steps = Heap<Due>()
    private(set) var isClosed = false

    // Counted, as asking all members for each that changes would make a fleet's start quadratic.
    private var readyCounts = PerPriority { _ in 0 }
    private var failureCount = 0
    /// The members of the own zone, ready or not.
    private var ownCount = 0
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
        makePlace: (_ id: String, Endpoint, NodeStatistics) -> NodePlace
    ) -> Actions {
        if isClosed { return Actions() }
        return take(selection.setSubsets(subsets), choice, makeStatistics, makePlace)
    }

    private mutating func take(
        _ change: InstanceChange,
        _ choice: EndpointChoice,
        _ makeStatistics: () -> NodeStatistics,
        _ makePlace: (_ id: String, Endpoint, NodeStatistics) -> NodePlace
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

    /// Puts nodes back whose ejections have ended, and lets weights grow.
    mutating func takeDue(at now: UInt64) -> PriorityBalancer.Change {
        var change = PriorityBalancer.Change()
        var due = ejections.takeDue(at: now)
        while let step = steps.min, step.time <= now {
            steps.removeMin()
            if members[step.id]?.nextStep == step.time { due.append(step.id) }
        }
        for id in due {
            guard let member = members[id] else { continue }
            put(member, at: now, &change)
        }
        return change
    }

    /// When ``takeDue(at:)`` has something to do next.
    var nextDue: UInt64 { min(ejections.nextDue, steps.min?.time ?? .max) }

    /// Prefers another zone, or none, from now on.
    mutating func setZones(_ next: ZonePreference) -> PriorityBalancer.Change {
        let all = Array(members.values)
        for member in all { count(member, -1) }
        zones = next
        for member in all { count(member, 1) }
        var change = PriorityBalancer.Change()
        for member in all { put(member, &change) }
        return change
    }

    /// Which part of the calls stays in the own zone.
    var ownShare: Double {
        zones.ownShare(healthy: readyCounts[.regular], of: ownCount, others: readyCounts[.elsewhere])
    }

    /// Lets weights grow in another way from now on.
    ///
    /// - Returns: The change for the balancer; `nil` when the options are the same.
    mutating func setSlowStart(_ options: SlowStart.Options) -> PriorityBalancer.Change? {
        if options == slowStartOptions { return nil }
        slowStartOptions = options
        slowStart = SlowStart(options)
        var change = PriorityBalancer.Change()
        for member in Array(members.values) { put(member, &change) }
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
        let before = member.priority
        if case .ready = member.connectionState {
            let isEjected = ejections.end(of: member.node, at: now) != nil
            member.priority = isEjected ? .ejected : NodePriority(of: member.node.instance, zone: zones.zone)
            if !isEjected, before == .ejected || member.inServiceSince == nil { member.inServiceSince = now }
        } else {
            member.priority = nil
        }
        setWeight(of: &member, at: now)
        let old = members.updateValue(member, forKey: member.node.instance.id)
        if let old { count(old, -1) }
        count(member, 1)
        if let failure = member.failure { lastFailure = failure }
        change.move(old?.node ?? member.node, from: old?.priority, to: member.node, member.priority)
    }

    /// Gives a member the weight that it has now, and looks at it again when the weight grows.
    private mutating func setWeight(of member: inout Member, at now: UInt64) {
        let node = member.node
        let since = member.inServiceSince ?? now
        let age = now > since ? now - since : 0
        let (weight, nextStep) = slowStart.weight(of: node.instance.weight, inServiceFor: age)
        let time = nextStep.map { since + $0 }
        if member.inServiceSince != nil, let time, time != member.nextStep {
            steps.insert(Due(time: time, id: node.instance.id))
        }
        member.nextStep = time
        if weight == node.weight { return }
        member.node = Node(
            instance: node.instance,
            endpoint: node.endpoint,
            statistics: node.statistics,
            weight: weight,
            attachment: member.place
        )
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
        if NodePriority(of: member.node.instance, zone: zones.zone) == .regular { ownCount += number }
        if let priority = member.priority { readyCounts[priority] += number }
        if member.failure != nil { failureCount += number }
    }
}
