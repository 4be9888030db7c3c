internal import EtcdClient
internal import Logging
internal import ServiceKit
internal import ServiceKitConfig

struct InstanceReader: Sendable {
    let service: String
    let layout: EtcdLayout
    let keys: InstanceKeys
    let logger: Logger

    var range: KeyRange { .prefix(keys.prefix(of: service)) }

    /// The instance in an entry; an entry that is none is logged and skipped.
    @Sendable func read(_ entry: KeyValue) -> ServiceInstance? {
        let id = id(in: entry.key)
        do {
            return try layout.decode(entry.value, service: service, id: id ?? "")
        } catch {
            // A key with more slashes may be another service's.
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

    /// Puts etcd's news into a service's view.
    func apply(_ update: ListWatchUpdate<ServiceInstance>, to view: inout ServiceView) {
        switch update {
        case .snapshot(let entries, _, let cause):
            view.replace(with: entries.map(\.value), lostData: cause == .storeReset)
        case .changes(let changes):
            for change in changes {
                switch change {
                case .put(let instance, _): view.update(instance)
                case .removed(let key): if let id = id(in: key) { view.remove(id: id) }
                }
            }
        case .connected:
            view.connected()
        case .interrupted(let error):
            view.interrupted(error.message)
        }
    }

    func id(in key: [UInt8]) -> String? {
        keys.id(in: String(decoding: key, as: UTF8.self), of: service)
    }
}
