internal import EtcdClient
internal import ServiceKit

/// How instances are written in etcd: which keys, and what the values look like.
public enum EtcdLayout: String, Codable, Sendable, CaseIterable {
    /// That of go-kratos: `/microservices/{name}/{id}`, with the instance as JSON.
    case kratos
    /// That of etcd's own `naming/endpoints`, which grpc-go's resolver reads: `{name}/{id}`, with
    /// `{"Op":0,"Addr":"ip:port","Metadata":…}`.
    case grpcNaming = "grpc-naming"
    /// A plain one: `/services/{name}/{id}`, with `{"host":"10.0.0.1","port":8080}`.
    case hostPort = "host-port"

    /// What stands before a service's name, unless the configuration says otherwise.
    public var defaultNamespace: String {
        switch self {
        case .kratos: "/microservices"
        case .grpcNaming: ""
        case .hostPort: "/services"
        }
    }

    private var format: any InstanceFormat.Type {
        switch self {
        case .kratos: KratosFormat.self
        case .grpcNaming: GRPCNamingFormat.self
        case .hostPort: HostPortFormat.self
        }
    }

    func encode(_ instance: ServiceInstance) throws -> [UInt8] {
        try format.encode(instance)
    }

    /// The value of a key with other labels; every other byte of it stays, whoever has written it.
    ///
    /// - Parameters:
    ///   - changes: The labels' new values; `nil` removes one.
    ///   - value: The value of the key.
    ///   - instance: The instance that it holds.
    /// - Returns: The new value; the same where nothing needs to change.
    /// - Throws: `RegistryError` with code `unsupported` when there is no place for labels.
    func setting(
        _ changes: [String: String?],
        in value: [UInt8],
        of instance: ServiceInstance
    ) throws(RegistryError) -> [UInt8] {
        func unsupported(_ reason: String) -> RegistryError {
            RegistryError(
                code: .unsupported,
                message: "etcd registry: instance \"\(instance.id)\" of service \"\(instance.name)\" was registered by "
                    + "somebody else in the layout \(rawValue), \(reason); set labels where it is started"
            )
        }
        // Where there are no labels, none needs to be removed.
        if instance.metadata.isEmpty, changes.allSatisfy({ $0.value == nil }) { return value }
        guard let path = format.labels(in: value, of: instance) else { throw unsupported("which has no labels") }
        var text = JSONText(value)
        do {
            try text.set(changes, at: path)
        } catch JSONText.Failure.noPlace(let member) {
            throw unsupported("and its \"\(member)\" is no object that could have labels")
        } catch {
            throw unsupported("and is not in UTF-8")
        }
        return text.bytes
    }

    /// - Throws: An error that says what is wrong with the value.
    func decode(_ value: [UInt8], service: String, id: String) throws -> ServiceInstance {
        let instance = try format.decode(value, service: service, id: id)
        guard instance.id == id, instance.name == service else {
            throw RegistryError(
                code: .invalidInstance,
                message: "it holds instance \"\(instance.id)\" of service \"\(instance.name)\" and so is misplaced"
            )
        }
        return instance
    }
}

/// How the value of a key is written and read.
protocol InstanceFormat {
    static func encode(_ instance: ServiceInstance) throws -> [UInt8]
    /// The members that lead to the labels in the value that holds an instance; `nil` when it can have none.
    static func labels(in value: [UInt8], of instance: ServiceInstance) -> [String]?
    static func decode(_ value: [UInt8], service: String, id: String) throws -> ServiceInstance
}

/// The keys of a layout.
struct InstanceKeys: Sendable {
    let namespace: String

    /// A slash ends the name, so that `user` never finds `user-admin`.
    func prefix(of service: String) -> String {
        namespace.isEmpty ? "\(service)/" : "\(namespace)/\(service)/"
    }

    func key(_ id: String, of service: String) -> String {
        prefix(of: service) + id
    }

    /// Every key of the namespace.
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

    /// Whether a key with this id may as well be another's: ids of other frameworks may have slashes (`host/1234`), and so
    /// may their services' names. Only the value then tells.
    static func isAmbiguous(_ id: String) -> Bool { id.contains("/") }

    /// The id in a key; `nil` when the key cannot be an instance's.
    func id(in key: String, of service: String) -> String? {
        let prefix = prefix(of: service)
        guard key.hasPrefix(prefix) else { return nil }
        let id = key.dropFirst(prefix.count)
        return id.isEmpty ? nil : String(id)
    }
}
