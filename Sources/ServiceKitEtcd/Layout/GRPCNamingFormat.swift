internal import FoundationEssentials
internal import ServiceKit
internal import ServiceKitConfig

/// `{"Op":0,"Addr":"ip:port","Metadata":…}`, as etcd's `naming/endpoints` writes it.
///
/// The whole instance is in `Metadata`, where others see something of no concern to them. What others write there is
/// ignored unless it is an instance, or labels.
enum GRPCNamingFormat: InstanceFormat {
    private enum CodingKeys: String, CodingKey {
        case operation = "Op"
        case address = "Addr"
        case metadata = "Metadata"
    }

    /// Values as the kit writes them.
    private struct Written: Encodable {
        let operation = 0
        let address: String
        let metadata: ServiceInstance

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(operation, forKey: .operation)
            try container.encode(address, forKey: .address)
            try container.encode(metadata, forKey: .metadata)
        }
    }

    /// Values that anybody may have written.
    private struct Record: Decodable {
        let address: String
        let instance: ServiceInstance?
        let labels: [String: String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            address = try container.decode(String.self, forKey: .address)
            let record = try? container.decodeIfPresent(InstanceRecord.self, forKey: .metadata)
            // Others have labels that are called "id" and "name".
            let isInstance = record?.id != nil && record?.name != nil && record?.hasEndpoints == true
            instance = isInstance ? record?.instance(id: "", name: "") : nil
            labels = (try? container.decodeIfPresent(LabelTexts.self, forKey: .metadata))?.values ?? [:]
        }
    }

    static func encode(_ instance: ServiceInstance) throws -> [UInt8] {
        let endpoint = instance.endpoint(schemes: ["grpc", "grpcs"]) ?? instance.endpoints.first
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(Written(address: endpoint?.authority ?? "", metadata: instance)))
    }

    static func labels(in value: [UInt8], of instance: ServiceInstance) -> [String]? {
        let metadata = CodingKeys.metadata.rawValue
        let record = try? JSONDecoder().decode(Record.self, from: Data(value))
        return record?.instance == nil ? [metadata] : [metadata, "metadata"]
    }

    static func decode(_ value: [UInt8], service: String, id: String) throws -> ServiceInstance {
        let record = try JSONDecoder().decode(Record.self, from: Data(value))
        if let instance = record.instance { return instance }
        guard let endpoint = Endpoint("grpc://" + record.address) else {
            throw RegistryError(
                code: .invalidInstance,
                message: "\"Addr\" is \"\(URLSecrets.masked(address: record.address))\", not host:port"
            )
        }
        return ServiceInstance(id: id, name: service, metadata: record.labels, endpoints: [endpoint])
    }
}
