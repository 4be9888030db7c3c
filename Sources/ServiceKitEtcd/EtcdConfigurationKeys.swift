internal import EtcdClient
internal import ServiceKit
internal import ServiceKitConfig

/// The keys of an ``EtcdConfigurationSource``, and the documents that they are.
///
/// `PREFIX/app.yaml` is a document, since it ends with `.yaml`. `PREFIX/log.level` and `PREFIX/log/level` are the value at
/// `log.level`. Documents come first, in the order of their keys; then the values, in the order of theirs. Later ones win.
/// The versions of the documents of a service below, `PREFIX/user.history/…`, are no configuration.
///
/// | Update | State |
/// |---|---|
/// | snapshot; of a store that has not lost its data | its keys alone; `away` if it is empty, was never loaded and must exist |
/// | snapshot of a store that has lost its data, with keys | its keys over those known |
/// | snapshot of a store that has lost its data, empty | `away`, until a key is written |
/// | changes | the changed keys; a removed key is gone |
/// | interrupted | `away` |
/// | connected | what is known, unless the store has lost its data |
struct EtcdConfigurationKeys {
    private let prefix: String
    private let mustExist: Bool
    private var values: [String: [UInt8]] = [:]
    /// The revision of the last snapshot; `nil` before the first.
    private var revision: Revision?
    /// Why an empty store does not count; `nil` while it does, or has keys.
    private var emptiness: String?

    init(prefix: String, mustExist: Bool) {
        self.prefix = prefix
        self.mustExist = mustExist
    }

    var range: KeyRange { .prefix(prefix + "/") }

    /// Takes an update in. Returns the source's state; `nil` when there is nothing to report.
    mutating func apply(_ update: ListWatchUpdate<[UInt8]>) -> ConfigurationSourceState? {
        switch update {
        case .snapshot(let entries, let revision, let cause):
            let hasLostData = cause == .storeReset || self.revision.map { revision < $0 } == true
            let isFirst = self.revision == nil
            let found = Dictionary(entries.map { ($0.entry.keyText, $0.value) }) { $1 }.filter { !isVersion($0.key) }
            self.revision = revision
            values = hasLostData ? values.merging(found) { $1 } : found
            emptiness = nil
            if found.isEmpty, hasLostData { emptiness = "etcd has lost its data, or is another one; put the keys back" }
            if found.isEmpty, isFirst, mustExist { emptiness = "no key begins with \(prefix)/; put one" }
        case .changes(let changes):
            for change in changes {
                let (key, value): (String, [UInt8]?) =
                    switch change {
                    case .put(let value, let entry): (entry.keyText, value)
                    case .removed(let key): (String(decoding: key, as: UTF8.self), nil)
                    }
                if isVersion(key) { continue }
                values[key] = value
                emptiness = nil
            }
        case .connected:
            if revision == nil { return nil }
        case .interrupted(let error):
            guard error.code == .unavailable else { return .away(error.message) }
            let remedy = "is it running? registry.etcd or config.etcd.connection names its address"
            return .away("\(error.message); \(remedy)")
        }
        return emptiness.map { .away($0) } ?? .loaded(documents)
    }

    static func origin(of key: String) -> String { "etcd \(key)" }

    private func isVersion(_ key: String) -> Bool {
        key.dropFirst(prefix.count).split(separator: "/").dropLast().contains { $0.hasSuffix(".history") }
    }

    private var documents: [ConfigurationDocument] {
        let all = values.sorted { $0.key < $1.key }.map { key, value in
            let name = key.dropFirst(prefix.count + 1)
            // A key without a name would replace the root. It has to be a mapping, like a document.
            let isDocument = name.hasSuffix(".yaml") || name.isEmpty
            return ConfigurationDocument(
                origin: Self.origin(of: key),
                bytes: value,
                path: isDocument ? nil : name.split(separator: "/").joined(separator: ".")
            )
        }
        return all.filter { $0.path == nil } + all.filter { $0.path != nil }
    }
}
