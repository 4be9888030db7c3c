internal import FoundationEssentials
internal import ServiceKit

/// `{"host":"10.0.0.1","port":8080}`. The rest of an instance is beside it, where others do not look.
enum HostPortFormat: InstanceFormat {
    private struct Record: Codable {
        var host: String
        var port: Int
        var instance: ServiceInstance?

        init(host: String, port: Int, instance: ServiceInstance) {
            (self.host, self.port, self.instance) = (host, port, instance)
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            host = try container.decode(String.self, forKey: .host)
            port = try container.decode(Int.self, forKey: .port)
            // Of others it may be anything.
            instance = try? container.decodeIfPresent(ServiceInstance.self, forKey: .instance)
        }
    }

    static func encode(_ instance: ServiceInstance) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let endpoint = instance.endpoint(schemes: ["grpc", "grpcs"]) ?? instance.endpoints.first
        return [UInt8](
            try encoder.encode(Record(host: endpoint?.host ?? "", port: endpoint?.port ?? 0, instance: instance))
        )
    }

    static func labels(in value: [UInt8], of instance: ServiceInstance) -> [String]? {
        guard let record = try? JSONDecoder().decode(Record.self, from: Data(value)), record.instance != nil else {
            return nil
        }
        return ["instance", "metadata"]
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
