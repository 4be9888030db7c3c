internal import FoundationEssentials
internal import ServiceKit

/// `{"host":"10.0.0.1","port":8080}`. The rest of an instance stands beside, where other frameworks do not look.
enum HostPortFormat: InstanceFormat {
    fileprivate struct Record: Codable {
        var host: String
        var port: Int
        var instance: ServiceInstance?
    }

    static func encode(_ instance: ServiceInstance) throws -> [UInt8] {
        let endpoint = instance.grpcEndpoint
        return try json(Record(host: endpoint?.host ?? "", port: endpoint?.port ?? 0, instance: instance))
    }

    static func labels(in value: [UInt8], of instance: ServiceInstance) -> [String]? {
        let record = try? JSONDecoder().decode(Record.self, from: Data(value))
        return record?.instance == nil ? nil : ["instance", "metadata"]
    }

    static func decode(_ value: [UInt8], service: String, id: String) throws -> ServiceInstance {
        let record = try JSONDecoder().decode(Record.self, from: Data(value))
        if let instance = record.instance { return instance }
        guard !record.host.isEmpty, (1...65535).contains(record.port) else {
            throw RegistryError(code: .invalidInstance, message: "\(record.host):\(record.port) is no address")
        }
        let endpoint = Endpoint(scheme: "grpc", host: record.host, port: record.port)
        return ServiceInstance(id: id, name: service, endpoints: [endpoint])
    }
}

extension HostPortFormat.Record {
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        host = try container.decode(String.self, forKey: .host)
        port = try container.decode(Int.self, forKey: .port)
        // Another framework may have anything there.
        instance = try? container.decodeIfPresent(ServiceInstance.self, forKey: .instance)
    }
}
