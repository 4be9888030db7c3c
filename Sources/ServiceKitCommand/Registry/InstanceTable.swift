import Foundation
import ServiceKit

struct InstanceTable {
    /// Whether the table has a column for the service.
    let namesServices: Bool
    /// The time at which each instance was first seen, by service and id.
    var firstSeen: [InstanceName: Date] = [:]

    /// The lines for instances in order. The first is the header.
    func lines(_ instances: [ServiceInstance], now: Date = .now) -> [String] {
        var table = TextTable(
            (namesServices ? ["SERVICE"] : []) + ["ID", "ENDPOINTS", "VERSION", "ZONE", "WEIGHT", "AGE", "STATE"]
        )
        for instance in instances {
            table.add(
                (namesServices ? [instance.name] : []) + [
                    instance.id,
                    instance.endpointTexts.joined(separator: ","),
                    instance.version,
                    instance.zone ?? "",
                    "\(instance.whenOnline.weight)",
                    "\(Age(of: instance, firstSeen: firstSeen[InstanceName(instance)], now: now))",
                    instance.isOffline ? "offline" : "online",
                ]
            )
        }
        return table.lines
    }
}

extension ServiceInstance {
    /// The endpoints for people. Unreadable endpoints, which clients do not call, are marked.
    var endpointTexts: [String] { endpoints.map(\.description) + unreadableEndpoints.map { "\($0)(?)" } }
}

/// The service and the id of an instance, which are unique in a registry.
struct InstanceName: Hashable, CustomStringConvertible {
    let service: String
    let id: String

    init(_ instance: ServiceInstance) {
        service = instance.name
        id = instance.id
    }

    var description: String { "\(service)/\(id)" }
}
