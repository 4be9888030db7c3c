internal import EtcdClient
internal import Logging
internal import ServiceKit

/// Reads the entries of one service.
struct InstanceReader: Sendable {
    let service: String
    let layout: EtcdLayout
    let keys: InstanceKeys
    let logger: Logger

    var range: KeyRange { .prefix(keys.prefix(of: service)) }

    /// The instance in an entry; what is none is logged and skipped.
    @Sendable func read(_ entry: KeyValue) -> ServiceInstance? {
        do {
            guard let id = id(in: entry.key) else {
                throw RegistryError(code: .invalidInstance, message: "its key is not one of an instance")
            }
            return try layout.decode(entry.value, service: service, id: id)
        } catch {
            logger.warning(
                "entry in etcd is skipped; it is no instance",
                metadata: ["key": "\(entry.keyText.prefix(300))", "cause": "\(error)"]
            )
            return nil
        }
    }

    func id(in key: [UInt8]) -> String? {
        keys.id(in: String(decoding: key, as: UTF8.self), of: service)
    }
}
