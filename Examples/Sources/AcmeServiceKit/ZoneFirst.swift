public import ServiceKit
import ServiceKitConfig

extension Plugin {
    /// The balancer `zone_first`.
    public static var zoneFirst: Plugin { .balancer("zone_first", ZoneFirst.init(options:)) }
}

/// Picks a node of this process's zone, and one of another zone when there is none. Within a zone it is `p2c`.
final class ZoneFirst: Balancer {
    /// The section `client.balancers.zone_first` of the configuration.
    struct Options: ConfigurationSection {
        /// The zone of this process.
        var zone = ""
    }

    private let zone: String
    private let near = PowerOfTwoChoices()
    private let far = PowerOfTwoChoices()

    init(options: Options) throws(ConfigurationError) {
        guard !options.zone.isEmpty else {
            throw ConfigurationError(message: "name the zone of this process", keyPath: "zone")
        }
        zone = options.zone
    }

    func update(_ change: NodeChange) {
        // An instance whose zone has changed leaves one side for the other.
        let (nearby, distant) = (
            change.added.filter { $0.instance.zone == zone }, change.added.filter { $0.instance.zone != zone }
        )
        near.update(NodeChange(removed: change.removed + distant, added: nearby))
        far.update(NodeChange(removed: change.removed + nearby, added: distant))
    }

    func pick(for request: PickRequest) -> Node? {
        let node = near.pick(for: request)
        if let node, !request.avoids(node) { return node }
        return far.pick(for: request) ?? node
    }
}
