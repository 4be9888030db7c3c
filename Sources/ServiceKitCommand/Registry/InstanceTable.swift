import Foundation
import ServiceKit

struct InstanceTable {
    /// Whether the table has a column for the service.
    let namesServices: Bool
    /// The time at which each instance was first seen, by service and id.
    var firstSeen: [InstanceName: Date] = [:]

    /// The most characters of an id and of the endpoints, which people copy.
    private static let widest = 120

    /// The lines for instances in order. The first is the header. Long texts are cut.
    func lines(_ instances: [ServiceInstance], now: Date = .now) -> [String] {
        // Few fleets have lanes.
        let namesLanes = instances.contains { $0.lane != nil }
        var header = ["ID", "ENDPOINTS", "VERSION", "ZONE", "WEIGHT", "AGE", "STATE"]
        if namesLanes { header.insert("LANE", at: 3) }
        if namesServices { header.insert("SERVICE", at: 0) }
        var table = TextTable(header)
        for instance in instances {
            var row = [
                TextTable.cut(instance.id, to: Self.widest),
                TextTable.cut(instance.endpointTexts.joined(separator: ","), to: Self.widest),
                TextTable.cut(instance.version),
                TextTable.cut(instance.zone ?? ""),
                "\(instance.whenOnline.weight)",
                "\(Age(of: instance, firstSeen: firstSeen[InstanceName(instance)], now: now))",
                instance.isOffline ? "offline" : "online",
            ]
            if namesLanes { row.insert(TextTable.cut(instance.lane ?? ""), at: 3) }
            if namesServices { row.insert(TextTable.cut(instance.name), at: 0) }
            table.add(row)
        }
        return table.lines
    }
}

extension ServiceInstance {
    /// The lane, as the default of `client.lanes.label` has it; `nil` for the base lane.
    var lane: String? { metadata[LaneOptions().label].flatMap { $0.isEmpty ? nil : $0 } }

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
