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

    private var steps: [any Subset]

    /// - Parameters:
    ///   - choice: The endpoints that can be called; instances without any are left out.
    ///   - subsets: Choose from the others, one after the other.
    package init(_ choice: EndpointChoice, _ subsets: [any Subset] = []) {
        steps = [InstanceFilter { choice.endpoint(of: $0) != nil }] + subsets
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
        for index in steps.indices { change = steps[index].update(change) }
        return change
    }
}
