internal import FoundationEssentials
internal import ServiceKit
internal import ServiceKitConfig

/// `{"Op":0,"Addr":"ip:port","Metadata":…}`, as etcd's `naming/endpoints` writes it.
///
/// The kit writes the whole instance into `Metadata`, which other frameworks ignore. Of theirs it reads an instance, or
/// labels.
enum GRPCNamingFormat: InstanceFormat {
    /// A value as the kit writes it.
    private struct Written: Encodable {
        enum CodingKeys: String, CodingKey {
            case operation = "Op"
            case address = "Addr"
            case metadata = "Metadata"
        }

        let operation = 0
        let address: String
        let metadata: ServiceInstance
    }

    /// A value that any framework may have written.
    private struct Record: Decodable {
        let address: String
        let instance: ServiceInstance?
        let labels: [String: String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Written.CodingKeys.self)
            address = try container.decode(String.self, forKey: .address)
            let record = try? container.decodeIfPresent(InstanceRecord.self, forKey: .metadata)
            // Other frameworks have labels named "id" and "name".
            let isInstance = record?.id != nil && record?.name != nil && record?.hasEndpoints == true
            instance = isInstance ? record?.instance(id: "", name: "") : nil
            labels = (try? container.decodeIfPresent(LabelTexts.self, forKey: .metadata))?.values ?? [:]
        }
    }

    static func encode(_ instance: ServiceInstance) throws -> [UInt8] {
        try json(Written(address: instance.grpcEndpoint?.authority ?? "", metadata: instance))
    }

    static func labels(in value: [UInt8], of instance: ServiceInstance) -> [String]? {
        let metadata = Written.CodingKeys.metadata.rawValue
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
