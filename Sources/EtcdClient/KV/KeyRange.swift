/// One key or many.
public struct KeyRange: Sendable, Hashable {
    /// The first key.
    let start: [UInt8]
    /// The first key after the range; empty for a single key, a zero byte for the end of all keys.
    let end: [UInt8]

    /// One key.
    public static func key(_ key: some EtcdBytes) -> KeyRange {
        KeyRange(start: key.etcdBytes, end: [])
    }

    /// All keys that begin with `prefix`. End the prefix with a separator: `user` is also a prefix of `user-admin`.
    public static func prefix(_ prefix: some EtcdBytes) -> KeyRange {
        let prefix = prefix.etcdBytes
        return prefix.isEmpty ? .all : KeyRange(start: prefix, end: prefix.endOfPrefix)
    }

    /// All keys from `start` on, before `end`.
    public static func range(from start: some EtcdBytes, to end: some EtcdBytes) -> KeyRange {
        KeyRange(start: start.etcdBytes.orFirst, end: end.etcdBytes)
    }

    /// All keys from `start` on.
    public static func from(_ start: some EtcdBytes) -> KeyRange {
        KeyRange(start: start.etcdBytes.orFirst, end: [0])
    }

    /// All keys.
    public static let all = KeyRange(start: [0], end: [0])

    var isKey: Bool { end.isEmpty }

    /// The rest of the range after a key, for the next page.
    func after(_ key: [UInt8]) -> KeyRange {
        KeyRange(start: key + [0], end: end)
    }
}

extension KeyRange {
    /// The range in words, for messages.
    var text: String {
        if isKey { return "the key \(start.shown)" }
        if self == .all { return "all keys" }
        if end == start.endOfPrefix { return "the prefix \(start.shown)" }
        return "the keys from \(start.shown)" + (end == [0] ? " on" : " to \(end.shown)")
    }
}

extension [UInt8] {
    /// The number of bytes of a key that messages show.
    private static let shownLength = 300

    /// A key in quotes.
    fileprivate var shown: String { String(decoding: prefix(Self.shownLength), as: UTF8.self).debugDescription }

    /// These bytes, or the first possible key if there are none: etcd does not accept an empty key.
    fileprivate var orFirst: [UInt8] { isEmpty ? [0] : self }
}

/// The prefix of every key. It is added to each key that is sent, and removed from each key that is received.
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
