/// The instances that a channel connects to: discovery's word, less the instances that cannot be called, less the
/// instances that the subsets leave out.
///
/// A snapshot costs as much as has changed since the one before.
package struct InstanceSelection: Sendable {
    /// The instances that discovery has named and not taken back while it was live.
    package private(set) var known = InstanceSet()
    /// Whether the registry stands behind the instances; `nil` until it has answered.
    package private(set) var state: DiscoveryState?
    /// When the last live snapshot came.
    package private(set) var lastLive: ContinuousClock.Instant?

    private let choice: EndpointChoice
    private var steps: [any Subset]
    /// The instances that the steps have passed on, by their ids.
    private var selected: [String: ServiceInstance] = [:]

    /// - Parameters:
    ///   - choice: The endpoints that can be called; instances without any are left out.
    ///   - subsets: Choose from the others, one after the other.
    package init(_ choice: EndpointChoice, _ subsets: [any Subset] = []) {
        self.choice = choice
        steps = Self.steps(choice, subsets)
    }

    private static func steps(_ choice: EndpointChoice, _ subsets: [any Subset]) -> [any Subset] {
        [InstanceFilter { choice.endpoint(of: $0) != nil }] + subsets
    }

    /// Lets other subsets choose from the instances that are known.
    ///
    /// - Returns: The change of the instances to connect to.
    package mutating func setSubsets(_ subsets: [any Subset]) -> InstanceChange {
        let before = selected
        steps = Self.steps(choice, subsets)
        selected = [:]
        _ = pass(InstanceChange(added: Array(known)))
        return InstanceChange(
            removed: before.values.filter { selected[$0.id] == nil },
            added: selected.values.filter { before[$0.id] != $0 }
        )
    }

    /// Takes discovery's word.
    ///
    /// - Returns: The change of the instances to connect to.
    package mutating func update(_ snapshot: DiscoverySnapshot) -> InstanceChange {
        let changes = snapshot.instances.changes(since: known)
        var change = InstanceChange(added: changes.added + changes.updated)
        state = snapshot.state
        if snapshot.state.isLive {
            lastLive = .now
            change.removed = changes.removed
            known = snapshot.instances
        } else {
            // A registry that is away takes no instance out.
            for instance in change.added { known.update(instance) }
        }
        return pass(change)
    }

    private mutating func pass(_ change: InstanceChange) -> InstanceChange {
        var change = change
        for index in steps.indices { change = steps[index].update(change) }
        for instance in change.removed { selected[instance.id] = nil }
        for instance in change.added { selected[instance.id] = instance }
        return change
    }
}
