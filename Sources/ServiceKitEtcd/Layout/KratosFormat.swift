internal import FoundationEssentials
internal import ServiceKit

/// `{"id","name","version","metadata":{}|null,"endpoints":["grpc://ip:port"]}`, as go-kratos writes it.
enum KratosFormat: InstanceFormat {
    static func encode(_ instance: ServiceInstance) throws -> [UInt8] {
        try json(instance)
    }

    static func labels(in value: [UInt8], of instance: ServiceInstance) -> [String]? { ["metadata"] }

    static func decode(_ value: [UInt8], service: String, id: String) throws -> ServiceInstance {
        if let instance = PlainInstanceReader.instance(in: value, service: service) { return instance }
        let record = try JSONDecoder().decode(InstanceRecord.self, from: Data(value))
        // If the value has no id or name, the key gives them.
        guard record.id != nil || record.name != nil || record.hasEndpoints else {
            throw RegistryError(code: .invalidInstance, message: "it has neither id nor name nor endpoints")
        }
        return record.instance(id: id, name: service)
    }
}
