internal import EtcdClient
internal import ServiceKit

struct InstanceKeys: Sendable {
    let namespace: String

    /// A slash ends the name, so that `user` never finds `user-admin`.
    func prefix(of service: String) -> String {
        namespace.isEmpty ? "\(service)/" : "\(namespace)/\(service)/"
    }

    func key(_ id: String, of service: String) -> String {
        prefix(of: service) + id
    }

    var all: KeyRange { namespace.isEmpty ? .all : .prefix("\(namespace)/") }

    /// The service and the id in a key; `nil` when the key cannot be an instance's.
    func parse(_ key: String) -> (service: String, id: String)? {
        let start = namespace.isEmpty ? "" : "\(namespace)/"
        guard key.hasPrefix(start) else { return nil }
        let parts = key.dropFirst(start.count).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            .map(String.init)
        guard parts.count == 2, !parts[1].isEmpty, (try? ServiceInstance.validate(serviceName: parts[0])) != nil else {
            return nil
        }
        return (parts[0], parts[1])
    }

    /// Whether the value alone tells whose key it is: in other frameworks both ids (`host/1234`) and services' names may have
    /// slashes.
    static func isAmbiguous(_ id: String) -> Bool { id.contains("/") }

    /// The id in a key; `nil` when the key cannot be an instance's.
    func id(in key: String, of service: String) -> String? {
        let prefix = prefix(of: service)
        guard key.hasPrefix(prefix) else { return nil }
        let id = key.dropFirst(prefix.count)
        return id.isEmpty ? nil : String(id)
    }
}
