/// One key or many.
public struct KeyRange: Sendable, Hashable {
    /// The first key.
    let start: [UInt8]
    /// The first key after the last; empty for one key, a zero byte for the end of all keys.
    let end: [UInt8]

    /// One key.
    public static func key(_ key: some EtcdBytes) -> KeyRange {
        KeyRange(start: key.etcdBytes, end: [])
    }

    /// All keys that begin with `prefix`. End it with a separator: `user` is also the prefix of `user-admin`.
    public static func prefix(_ prefix: some EtcdBytes) -> KeyRange {
        let prefix = prefix.etcdBytes
        return prefix.isEmpty ? .all : KeyRange(start: prefix, end: prefix.endOfPrefix)
    }

    /// All keys from one on, up to but not including another.
    public static func range(from start: some EtcdBytes, to end: some EtcdBytes) -> KeyRange {
        KeyRange(start: start.etcdBytes.orFirst, end: end.etcdBytes)
    }

    /// All keys from one on.
    public static func from(_ start: some EtcdBytes) -> KeyRange {
        KeyRange(start: start.etcdBytes.orFirst, end: [0])
    }

    /// All keys.
    public static let all = KeyRange(start: [0], end: [0])

    /// Whether it is a single key.
    var isKey: Bool { end.isEmpty }

    /// What follows a key, for the next page.
    func after(_ key: [UInt8]) -> KeyRange {
        KeyRange(start: key + [0], end: end)
    }
}

extension [UInt8] {
    /// The first key there can be where there are no bytes, which etcd does not take for a key.
    fileprivate var orFirst: [UInt8] { isEmpty ? [0] : self }
}

/// What is put before every key that is sent, and taken off every key that comes back.
struct Namespace: Sendable {
    let prefix: [UInt8]

    init(_ prefix: String) {
        self.prefix = prefix.etcdBytes
    }

    func adding(to key: [UInt8]) -> [UInt8] { prefix.isEmpty ? key : prefix + key }

    func adding(to range: KeyRange) -> KeyRange {
        guard !prefix.isEmpty else { return range }
        if range.isKey { return KeyRange(start: prefix + range.start, end: []) }
        let start = range.start == [0] ? prefix : prefix + range.start
        let end = range.end == [0] ? prefix.endOfPrefix : prefix + range.end
        return KeyRange(start: start, end: end)
    }

    func removing(from key: [UInt8]) -> [UInt8] { prefix.isEmpty ? key : Array(key.dropFirst(prefix.count)) }
}
