import ServiceKit
import ServiceKitConfig

/// A change of an instance, or of the registry's state.
enum WatchEvent: Hashable {
    case joined(ServiceInstance)
    case changed(ServiceInstance, from: ServiceInstance)
    case left(ServiceInstance)
    /// The registry is away; the list may be out of date.
    case away(service: String, cause: String)
    case back(service: String)

    /// The events between two states of a service, sorted by the instances' ids.
    static func between(_ old: DiscoverySnapshot?, _ new: DiscoverySnapshot, of service: String) -> [WatchEvent] {
        let before = old?.instances ?? []
        let changes = new.instances.changes(since: before)
        func sorted(_ instances: [ServiceInstance]) -> [ServiceInstance] { instances.sorted { $0.id < $1.id } }
        var events = sorted(changes.removed).map(WatchEvent.left)
        events += sorted(changes.updated).compactMap { next in before[next.id].map { .changed(next, from: $0) } }
        events += sorted(changes.added).map(WatchEvent.joined)
        switch (old?.state.isLive ?? true, new.state) {
        case (true, .stale(_, let cause)): events.append(.away(service: service, cause: cause))
        case (false, .live): events.insert(.back(service: service), at: 0)
        default: break
        }
        return events
    }

    private var kind: String {
        switch self {
        case .joined: "joined"
        case .changed: "changed"
        case .left: "left"
        case .away: "away"
        case .back: "back"
        }
    }

    /// One line of text: the event, the instance, and the details. Long details are cut.
    var line: String {
        let details: [String] =
            switch self {
            case .joined(let instance):
                ["\(InstanceName(instance))"] + instance.endpointTexts
                    + (instance.version.isEmpty ? [] : ["version=\(instance.version)"])
                    + Self.labels(of: instance).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            case .changed(let next, let old):
                ["\(InstanceName(next))"] + Self.differences(old, next)
            case .left(let instance): ["\(InstanceName(instance))"]
            case .away(let service, let cause): [service, cause]
            case .back(let service): [service]
            }
        let padded = kind + String(repeating: " ", count: max(0, 7 - kind.count))
        return ([padded] + details.map { TextTable.cut(TextTable.printable(URLSecrets.masked($0)), to: 120) }).joined(
            separator: "  ")
    }

    private static func differences(_ old: ServiceInstance, _ new: ServiceInstance) -> [String] {
        var texts: [String] = []
        if old.endpointTexts != new.endpointTexts { texts += new.endpointTexts }
        if old.version != new.version { texts.append("version=\(new.version)") }
        let (before, after) = (labels(of: old), labels(of: new))
        for label in Set(before.keys).union(after.keys).sorted() where before[label] != after[label] {
            texts.append(after[label].map { "\(label)=\($0)" } ?? "\(label) removed")
        }
        return texts
    }

    /// The labels without the weight of an offline instance: the label `offline` says as much.
    private static func labels(of instance: ServiceInstance) -> [String: String] {
        var labels = instance.whenOnline.metadata
        labels["offline"] = instance.metadata["offline"]
        return labels
    }
}

extension WatchEvent: Encodable {
    private enum CodingKeys: CodingKey {
        case event, service, instance, before, cause
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .event)
        switch self {
        case .joined(let instance), .left(let instance):
            try container.encode(instance.name, forKey: .service)
            try container.encode(InstanceReport(instance: instance), forKey: .instance)
        case .changed(let instance, let before):
            try container.encode(instance.name, forKey: .service)
            try container.encode(InstanceReport(instance: instance), forKey: .instance)
            try container.encode(InstanceReport(instance: before), forKey: .before)
        case .away(let service, let cause):
            try container.encode(service, forKey: .service)
            try container.encode(cause, forKey: .cause)
        case .back(let service):
            try container.encode(service, forKey: .service)
        }
    }
}
