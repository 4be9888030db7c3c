/// A ``DeterministicSubset`` of each part of a service, so that it keeps what zones and lanes need.
///
/// With zones, the instances of the own zone and those of all others have a ring each: a client connects to as many of both.
/// Its peers are those of its own zone, so that the connections from a zone are even, too. With lanes, the instances of a lane
/// are all chosen: there are few of them, and a client that knew none would call the base lane.
package struct PartedSubset: Subset {
    /// Chooses whether an instance is in the own zone, in another one, or in a lane.
    private enum Part {
        case own, elsewhere, lane
    }

    private var own: DeterministicSubset
    private var elsewhere: DeterministicSubset
    private let zone: String?
    private let laneLabel: String?
    /// The parts of the instances, by their ids.
    private var parts: [String: Part] = [:]

    /// - Parameters:
    ///   - size: The number of instances of the own zone, and of all others.
    ///   - position: The client's place among its peers.
    ///   - zone: The own zone; `nil` if no zone is preferred: all instances are one part.
    ///   - laneLabel: The label that names the lane of an instance; `nil` if calls keep to no lanes.
    package init(size: Int, position: SubsetPosition, zone: String? = nil, laneLabel: String? = nil) {
        own = DeterministicSubset(size: size, position: position)
        // Their own clients see to it that each has one.
        elsewhere = DeterministicSubset(size: size, position: position, coversAll: false)
        self.zone = zone
        self.laneLabel = laneLabel
    }

    /// Takes a change of the instances.
    package mutating func update(_ change: InstanceChange) -> InstanceChange {
        var (ownChange, elsewhereChange, laneChange) = (InstanceChange(), InstanceChange(), InstanceChange())
        func note(_ part: Part, _ body: (inout InstanceChange) -> Void) {
            switch part {
            case .own: body(&ownChange)
            case .elsewhere: body(&elsewhereChange)
            case .lane: body(&laneChange)
            }
        }
        for instance in change.removed {
            if let part = parts.removeValue(forKey: instance.id) { note(part) { $0.removed.append(instance) } }
        }
        for instance in change.added {
            let part = part(of: instance)
            let last = parts.updateValue(part, forKey: instance.id)
            if let last, last != part { note(last) { $0.removed.append(instance) } }
            note(part) { $0.added.append(instance) }
        }
        let changes = [own.update(ownChange), elsewhere.update(elsewhereChange), laneChange]
        let added = changes.flatMap(\.added)
        // An instance that has changed its part may leave one and join the other.
        let stays = Set(added.map(\.id))
        return InstanceChange(
            removed: changes.flatMap(\.removed).filter { !stays.contains($0.id) },
            added: added
        )
    }

    private func part(of instance: ServiceInstance) -> Part {
        if let laneLabel, instance.metadata[laneLabel].map({ !$0.isEmpty }) ?? false { return .lane }
        return zone == nil || instance.zone == zone ? .own : .elsewhere
    }
}
