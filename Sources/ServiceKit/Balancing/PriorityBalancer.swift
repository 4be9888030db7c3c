private import Synchronization

/// The last step before a pick: it gives each balancer the nodes of one priority, and asks the balancers in the order of
/// the priorities.
///
/// Each priority has a balancer of its own, as in gRPC's policy `priority` (gRFC A56). So the first node of a
/// priority that comes, or the last that goes, changes nothing for the other nodes, however many there are.
package final class PriorityBalancer: Sendable {
    private let balancers: Replaceable<PerPriority<any Balancer>>
    /// Whether picks go by a key: asked by each call.
    private let hasKeys: Atomic<Bool>
    /// Which part of the calls stays in the own zone, of ``wholeShare``.
    private let ownShare = Atomic(wholeShare)
    /// The number of nodes of other zones: most clients have none, and then ask for none.
    private let elsewhereCount = Atomic(0)
    private let random: SharedSplitMix64

    private static let wholeShare = 1 << 16

    /// - Parameters:
    ///   - balancers: A balancer for each priority.
    ///   - seed: The same seed sends the same calls to other zones.
    package init(_ balancers: PerPriority<any Balancer>, seed: UInt64 = .random(in: 0 ... .max)) {
        self.balancers = Replaceable(balancers)
        random = SharedSplitMix64(seed: seed)
        hasKeys = Atomic(balancers[.regular].keySource != .none)
    }

    /// Where the key of a call is that picks go by.
    package var keySource: PickKeySource {
        hasKeys.load(ordering: .relaxed) ? balancers.read { $0[.regular].keySource } : .none
    }

    /// Lets a part of the calls stay in the own zone, from 0 to 1; see ``ZonePreference``. The rest goes elsewhere.
    package func setOwnShare(_ share: Double) {
        ownShare.store(Int(share * Double(Self.wholeShare)), ordering: .relaxed)
    }

    /// The changes of the nodes of each priority.
    package struct Change: Sendable {
        fileprivate var changes = PerPriority { _ in NodeChange() }
        /// By how many the nodes of other zones become more.
        fileprivate var elsewhere = 0

        package init() {}

        /// Moves a node from a priority to another; `nil` stands for a node that cannot be called.
        ///
        /// - Parameters:
        ///   - old: The node as it was.
        ///   - source: Its priority until now.
        ///   - new: The node as it is.
        ///   - target: Its priority from now on.
        package mutating func move(
            _ old: Node, from source: NodePriority?, to new: Node, _ target: NodePriority?
        ) {
            if source != target { elsewhere += (target == .elsewhere ? 1 : 0) - (source == .elsewhere ? 1 : 0) }
            if let source, source != target { changes[source].removed.append(old) }
            if let target, source != target || old !== new { changes[target].added.append(new) }
        }
    }

    /// Takes a change; it costs O(1) beside the costs of the balancers.
    package func update(_ change: Change) {
        Self.update(balancers.read { copy $0 }, change)
        elsewhereCount.add(change.elsewhere, ordering: .relaxed)
    }

    /// Puts other balancers in the place of those so far. Calls for which the old ones picked a node go on.
    ///
    /// - Parameters:
    ///   - next: A balancer for each priority, without nodes.
    ///   - nodes: The change from no nodes to all that can be called now.
    package func replace(with next: PerPriority<any Balancer>, nodes: Change) {
        // Filled before a call sees them: otherwise it would find no node.
        Self.update(next, nodes)
        balancers.set(next)
        hasKeys.store(next[.regular].keySource != .none, ordering: .relaxed)
    }

    private static func update(_ balancers: PerPriority<any Balancer>, _ change: Change) {
        // Removals first: one balancer may serve several priorities.
        for priority in NodePriority.allCases where !change.changes[priority].removed.isEmpty {
            balancers[priority].update(NodeChange(removed: change.changes[priority].removed))
        }
        for priority in NodePriority.allCases where !change.changes[priority].added.isEmpty {
            balancers[priority].update(NodeChange(added: change.changes[priority].added))
        }
    }

    /// A picked node, the balancer that picked it, and its priority.
    package typealias Pick = (node: Node, balancer: any Balancer, priority: NodePriority)

    /// Picks a node.
    ///
    /// A call of a lane goes to the lane's nodes, in any zone, as long as one is in service. A call that is made again goes to
    /// another zone rather than to a node that has failed it.
    ///
    /// - Parameters:
    ///   - request: The call.
    ///   - spent: Priorities that are passed over, as circuit breakers refuse the call on all their nodes.
    /// - Returns: The node; `nil` when no node can be called.
    package func pick(for request: PickRequest, besides spent: Set<NodePriority> = []) -> Pick? {
        if request.lane != nil {
            var request = request
            request.keepsToLane = true
            if let pick = pickInService(for: request, spent) { return pick }
        }
        if let pick = pickInService(for: request, spent) { return pick }
        for priority in [NodePriority.standby, .ejected] {
            if let pick = pick(for: request, priority, spent) { return pick }
        }
        return nil
    }

    /// Picks a node of the own zone, or of the others.
    private func pickInService(for request: PickRequest, _ spent: Set<NodePriority>) -> Pick? {
        let share = ownShare.load(ordering: .relaxed)
        let spillsOver = share < Self.wholeShare && random.next(below: Self.wholeShare) >= share
        let first: NodePriority = spillsOver ? .elsewhere : .regular
        let second: NodePriority = spillsOver ? .regular : .elsewhere
        guard let pick = pick(for: request, first, spent) else { return self.pick(for: request, second, spent) }
        guard request.avoids(pick.node), elsewhereCount.load(ordering: .relaxed) > 0,
            let other = self.pick(for: request, second, spent)
        else { return pick }
        let isOtherBetter = !request.avoids(other.node)
        passOver(isOtherBetter ? pick : other, of: request.operation)
        return isOtherBetter ? other : pick
    }

    /// Tells a balancer that the node it picked is not called. For all others the node was not picked.
    package func passOver(_ pick: Pick, of operation: String, attempt: Int = 1) {
        let report = CallReport(
            node: pick.node, operation: operation, attempt: attempt, code: .unavailable, wasSent: false,
            outcome: .ignored)
        pick.balancer.ended(report)
    }

    private func pick(for request: PickRequest, _ priority: NodePriority, _ spent: Set<NodePriority>) -> Pick? {
        if !spent.isEmpty, spent.contains(priority) { return nil }
        let balancer = balancers.read { $0[priority] }
        return balancer.pick(for: request).map { ($0, balancer, priority) }
    }

    /// Makes the statistics of a new node.
    package func makeStatistics() -> NodeStatistics {
        balancers.read { $0[.regular] }.makeStatistics()
    }
}
