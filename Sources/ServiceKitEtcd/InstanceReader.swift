internal import EtcdClient
internal import Logging
internal import ServiceKit
internal import ServiceKitConfig

/// Reads the entries of one service.
struct InstanceReader: Sendable {
    let service: String
    let layout: EtcdLayout
    let keys: InstanceKeys
    let logger: Logger

    var range: KeyRange { .prefix(keys.prefix(of: service)) }

    /// The instance in an entry; what is none is logged and skipped.
    @Sendable func read(_ entry: KeyValue) -> ServiceInstance? {
        let id = id(in: entry.key)
        do {
            guard let id else {
                throw RegistryError(code: .invalidInstance, message: "its key is not one of an instance")
            }
            return try layout.decode(entry.value, service: service, id: id)
        } catch {
            // Further down there may be what is no business of this service.
            let level: Logger.Level = id.map(InstanceKeys.isAmbiguous) == true ? .debug : .warning
            logger.log(
                level: level,
                "entry in etcd is skipped; it is no instance",
                metadata: [
                    "key": "\(URLSecrets.masked("\(entry.keyText.prefix(300))"))",
                    "cause": "\(URLSecrets.masked("\(error)"))",
                ]
            )
            return nil
        }
    }

    func id(in key: [UInt8]) -> String? {
        keys.id(in: String(decoding: key, as: UTF8.self), of: service)
    }
}
