#if canImport(FoundationEssentials)
internal import FoundationEssentials
#else
internal import Foundation
#endif
internal import ServiceKit

/// `{"id","name","version","metadata":{}|null,"endpoints":["grpc://ip:port"]}`, as go-kratos writes it.
enum KratosFormat: InstanceFormat {
    static func encode(_ instance: ServiceInstance) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(instance))
    }

    static func decode(_ value: [UInt8], service: String, id: String) throws -> ServiceInstance {
        if let instance = PlainInstanceReader.instance(in: value, service: service) { return instance }
        return try JSONDecoder().decode(ServiceInstance.self, from: Data(value))
    }
}
