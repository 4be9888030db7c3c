internal import HeapModule

/// The nodes of a channel that can be called, each with the priority and the weight that it has now.
///
/// A node has no priority while it is not ready. A node that is ready is ejected, or has the priority of its weight and its
/// zone; see ``NodePriority``. Each event costs O(log n) or less in the number of nodes, so that the start of a fleet is
/// linear. All times are in nanoseconds from any origin, not 0.
package struct EligibleNodes: Sendable {
    private struct Member {
        var node: Node
        var isReady: Bool
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

        static func < (left: Due, right: Due) -> Bool { (left.time, left.id) < (right.time, right.id) }
    }

    /// By the ids of their instances.
    private var members: [String: Member] = [:]
    private var ejections: Ejections
    private var zones = ZonePreference()
    private var slowStartOptions = SlowStart.Options()
    private var slowStart = SlowStart(SlowStart.Options())
    /// The next steps of weights that grow. Entries whose node has another `nextStep` are passed over.
    private var steps = Heap<Due>()
    // Counted, as asking all members for each that changes would make a fleet's start quadratic.
    private var readyCounts = PerPriority { _ in 0 }
    /// The members of the own zone, ready or not.
    private var ownCount = 0

    /// - Parameter policyCount: How many policies eject nodes.
    package init(policyCount: Int) {
        ejections = Ejections(policyCount: policyCount)
    }

    // MARK: - Events

    /// Puts a node in the place of the node with the same statistics, or adds it.
    ///
    /// - Parameters:
    ///   - node: The node, with the weight of its instance.
    ///   - isReady: Whether it can be called.
    ///   - now: The time.
    ///   - change: Gets the change for the balancer.
    package mutating func put(
        _ node: Node, isReady: Bool, at now: UInt64, _ change: inout PriorityBalancer.Change
    ) {
        var member = members[node.instance.id] ?? Member(node: node, isReady: isReady)
        let old = member.node
        (member.node, member.isReady) = (node, isReady)
        put(member, after: old, at: now, &change)
    }

    /// Removes a node that leaves.
    package mutating func remove(_ node: Node, _ change: inout PriorityBalancer.Change) {
        guard let member = members.removeValue(forKey: node.instance.id) else { return }
        count(member, -1)
        ejections.remove(member.node)
        change.move(member.node, from: member.priority, to: member.node, nil)
    }

    /// Ejects a node until a time, or puts it back.
    ///
    /// - Returns: The change for the balancer; `nil` when the node has left.
    package mutating func eject(
        _ id: String, _ statistics: NodeStatistics, until end: UInt64, by policy: Int, at now: UInt64
    ) -> PriorityBalancer.Change? {
        guard let member = members[id], member.node.statistics === statistics else { return nil }
        ejections.set(end, of: member.node, by: policy, at: now)
        var change = PriorityBalancer.Change()
        put(member, after: member.node, at: now, &change)
        return change
    }

    /// Puts nodes back whose ejections have ended, and lets weights grow.
    package mutating func takeDue(at now: UInt64) -> PriorityBalancer.Change {
        var change = PriorityBalancer.Change()
        var due = ejections.takeDue(at: now)
        while let step = steps.min, step.time <= now {
            steps.removeMin()
            if members[step.id]?.nextStep == step.time { due.append(step.id) }
        }
        for id in due {
            guard let member = members[id] else { continue }
            put(member, after: member.node, at: now, &change)
        }
        return change
    }

    /// When ``takeDue(at:)`` has something to do next.
    package var nextDue: UInt64 { min(ejections.nextDue, steps.min?.time ?? .max) }

    /// Prefers another zone, or none, from now on.
    package mutating func setZones(_ next: ZonePreference, at now: UInt64) -> PriorityBalancer.Change {
        let all = Array(members.values)
        for member in all { count(member, -1) }
        zones = next
        for member in all { count(member, 1) }
        return putAgain(all, at: now)
    }

    /// Lets weights grow in another way from now on.
    ///
    /// - Returns: The change for the balancer; `nil` when the options are the same.
    package mutating func setSlowStart(_ options: SlowStart.Options, at now: UInt64) -> PriorityBalancer.Change? {
        if options == slowStartOptions { return nil }
        slowStartOptions = options
        slowStart = SlowStart(options)
        return putAgain(Array(members.values), at: now)
    }

    // MARK: - Questions

    /// The change from no nodes to all that are ready.
    package var ready: PriorityBalancer.Change {
        var change = PriorityBalancer.Change()
        for member in members.values { change.move(member.node, from: nil, to: member.node, member.priority) }
        return change
    }

    /// The priority that calls go to; `nil` when no node is ready.
    package var preferred: NodePriority? {
        NodePriority.allCases.first { readyCounts[$0] > 0 }
    }

    /// Whether any node is ready but some, among those that a pick would go to: those in service, of all zones; else those of
    /// the next priority.
    ///
    /// - Parameter ids: The ids of their instances, each once.
    package func isAnyReady(besides ids: [String]) -> Bool {
        guard let preferred else { return false }
        let reached: [NodePriority] = preferred <= .elsewhere ? [.regular, .elsewhere] : [preferred]
        let ready = reached.reduce(0) { $0 + readyCounts[$1] }
        return ready > ids.count { id in members[id]?.priority.map { reached.contains($0) } ?? false }
    }

    /// Which part of the calls stays in the own zone.
    package var ownShare: Double {
        zones.ownShare(healthy: readyCounts[.regular], of: ownCount, others: readyCounts[.elsewhere])
    }

    /// A node with the weight that it has now, and its priority, `nil` while it is not ready; `nil` for a node that has left.
    package subscript(node: Node) -> (node: Node, priority: NodePriority?)? {
        guard let member = members[node.instance.id], member.node.statistics === node.statistics else { return nil }
        return (member.node, member.priority)
    }

    /// When a node is put back; `nil` when it is not ejected.
    package func ejectionEnd(of node: Node, at now: UInt64) -> UInt64? { ejections.end(of: node, at: now) }

    // MARK: - Members

    private mutating func putAgain(_ all: [Member], at now: UInt64) -> PriorityBalancer.Change {
        var change = PriorityBalancer.Change()
        for member in all { put(member, after: member.node, at: now, &change) }
        return change
    }

    /// Puts a member in the place of the member with the same id, with the priority and the weight that it has now.
    private mutating func put(
        _ member: Member, after old: Node, at now: UInt64, _ change: inout PriorityBalancer.Change
    ) {
        var member = member
        let before = member.priority
        if member.isReady {
            let isEjected = ejections.end(of: member.node, at: now) != nil
            member.priority = isEjected ? .ejected : NodePriority(of: member.node.instance, zone: zones.zone)
            if !isEjected, before == .ejected || member.inServiceSince == nil { member.inServiceSince = now }
        } else {
            member.priority = nil
        }
        setWeight(of: &member, at: now)
        if let last = members.updateValue(member, forKey: member.node.instance.id) { count(last, -1) }
        count(member, 1)
        change.move(old, from: before, to: member.node, member.priority)
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
            attachment: node.attachment
        )
    }

    private mutating func count(_ member: Member, _ number: Int) {
        if NodePriority(of: member.node.instance, zone: zones.zone) == .regular { ownCount += number }
        if let priority = member.priority { readyCounts[priority] += number }
    }
}
