internal import FoundationEssentials
internal import ServiceKit

/// The form of instances in etcd: their keys and values.
public enum EtcdLayout: String, Codable, Sendable, CaseIterable {
    /// That of go-kratos: `/microservices/{name}/{id}`, with the instance as JSON.
    case kratos
    /// That of etcd's own `naming/endpoints`, which grpc-go's resolver reads: `{name}/{id}`, with
    /// `{"Op":0,"Addr":"ip:port","Metadata":…}`.
    case grpcNaming = "grpc-naming"
    /// A plain one: `/services/{name}/{id}`, with `{"host":"10.0.0.1","port":8080}`.
    case hostPort = "host-port"

    /// The start of every key, before the service's name, unless the configuration says otherwise.
    var defaultNamespace: String {
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

    /// The value of an instance's key with other labels; `nil` removes one. Every other byte stays, also of another
    /// framework's value. Throws `RegistryError` with code `unsupported` when there is no place for labels.
    func setting(
        _ changes: [String: String?],
        in value: [UInt8],
        of instance: ServiceInstance
    ) throws(RegistryError) -> [UInt8] {
        func unsupported(_ reason: String) -> RegistryError {
            RegistryError(
                code: .unsupported,
                message: "etcd registry: instance \"\(instance.id)\" of service \"\(instance.name)\" was registered by "
                    + "another framework in the layout \(rawValue), \(reason); set labels where it is started"
            )
        }
        // Where there are no labels, none needs to be removed.
        if instance.metadata.isEmpty, changes.allSatisfy({ $0.value == nil }) { return value }
        guard let path = format.labels(in: value, of: instance) else { throw unsupported("which has no labels") }
        var text = JSONLabels(value)
        do {
            try text.set(changes, at: path)
        } catch JSONLabels.Failure.noPlace(let member) {
            throw unsupported("and its \"\(member)\" is no object that could have labels")
        } catch {
            throw unsupported("and is not in UTF-8")
        }
        return text.bytes
    }

    /// - Throws: An error that names the fault of the value.
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
    /// The members that lead to the labels in the value of an instance; `nil` when it can have none.
    static func labels(in value: [UInt8], of instance: ServiceInstance) -> [String]?
    static func decode(_ value: [UInt8], service: String, id: String) throws -> ServiceInstance
}

extension InstanceFormat {
    static func json(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }
}

extension ServiceInstance {
    /// The endpoint for frameworks that know one alone.
    var grpcEndpoint: Endpoint? { endpoint(schemes: ["grpc", "grpcs"]) ?? endpoints.first }
}
