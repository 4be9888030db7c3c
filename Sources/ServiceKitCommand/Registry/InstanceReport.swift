import Foundation
import ServiceKit
import ServiceKitConfig

/// An instance in JSON. The names are part of the command's contract: fields are added, never renamed.
struct InstanceReport: Encodable {
    let instance: ServiceInstance

    private enum CodingKeys: CodingKey {
        case service, id, version, endpoints, unreadableEndpoints, lane, zone, weight, offline, started, metadata
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(instance.name, forKey: .service)
        try container.encode(instance.id, forKey: .id)
        try container.encode(instance.version, forKey: .version)
        try container.encode(instance.endpoints, forKey: .endpoints)
        if !instance.unreadableEndpoints.isEmpty {
            try container.encode(instance.unreadableEndpoints, forKey: .unreadableEndpoints)
        }
        // Writes null instead of leaving the key out.
        try container.encode(instance.lane, forKey: .lane)
        try container.encode(instance.zone, forKey: .zone)
        try container.encode(instance.whenOnline.weight, forKey: .weight)
        try container.encode(instance.isOffline, forKey: .offline)
        try container.encode(instance.started, forKey: .started)
        try container.encode(instance.metadata.mapValues { URLSecrets.masked($0) }, forKey: .metadata)
    }
}

/// JSON in the command's format: keys in alphabetical order, slashes without escapes.
enum JSONText {
    /// Writes one document, on several lines.
    static func document(_ value: some Encodable) throws -> String {
        try text(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }

    /// Writes one of several documents, on one line.
    static func line(_ value: some Encodable) throws -> String {
        try text(value, [.sortedKeys, .withoutEscapingSlashes])
    }

    private static func text(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
