#if canImport(FoundationEssentials)
internal import FoundationEssentials
#else
internal import Foundation
#endif
internal import ServiceKit

/// `{"Op":0,"Addr":"ip:port","Metadata":…}`, as etcd's `naming/endpoints` writes it.
///
/// The whole instance is in `Metadata`, where others see something of no concern to them. What others write there is
/// ignored unless it is an instance, or labels.
enum GRPCNamingFormat: InstanceFormat {
    private struct Record: Codable {
        var operation = 0
        var address: String
        var metadata: Metadata?

        enum CodingKeys: String, CodingKey {
            case operation = "Op"
            case address = "Addr"
            case metadata = "Metadata"
        }

        init(address: String, metadata: Metadata?) {
            self.address = address
            self.metadata = metadata
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            address = try container.decode(String.self, forKey: .address)
            metadata = try? container.decodeIfPresent(Metadata.self, forKey: .metadata)
        }
    }

    private enum Metadata: Codable {
        case instance(ServiceInstance)
        case labels([String: String])

        init(from decoder: any Decoder) throws {
            if let instance = try? ServiceInstance(from: decoder) {
                self = .instance(instance)
            } else {
                self = .labels(try [String: String](from: decoder))
            }
        }

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .instance(let instance): try instance.encode(to: encoder)
            case .labels(let labels): try labels.encode(to: encoder)
            }
        }
    }

    static func encode(_ instance: ServiceInstance) throws -> [UInt8] {
        let endpoint = instance.endpoint(schemes: ["grpc", "grpcs"]) ?? instance.endpoints.first
        return try encode(Record(address: endpoint?.authority ?? "", metadata: .instance(instance)))
    }

    static func encode(_ instance: ServiceInstance, inPlaceOf value: [UInt8]) throws -> [UInt8] {
        var record = try JSONDecoder().decode(Record.self, from: Data(value))
        // What others wrote stays as they write it.
        if case .instance? = record.metadata { return try encode(instance) }
        record.metadata = .labels(instance.metadata)
        return try encode(record)
    }

    private static func encode(_ record: Record) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(record))
    }

    static func decode(_ value: [UInt8], service: String, id: String) throws -> ServiceInstance {
        let record = try JSONDecoder().decode(Record.self, from: Data(value))
        switch record.metadata {
        case .instance(let instance):
            return instance
        case .labels(let labels):
            return try instance(record.address, labels, service, id)
        case nil:
            return try instance(record.address, [:], service, id)
        }
    }

    private static func instance(
        _ address: String,
        _ labels: [String: String],
        _ service: String,
        _ id: String
    ) throws -> ServiceInstance {
        guard let endpoint = Endpoint("grpc://" + address) else {
            throw RegistryError(code: .invalidInstance, message: "\"Addr\" is \"\(address)\", not host:port")
        }
        return ServiceInstance(id: id, name: service, metadata: labels, endpoints: [endpoint])
    }
}
