internal import FoundationEssentials
internal import SwiftProtobuf

/// The result of a read.
public struct GetResult: Sendable, Hashable {
    /// The entries, in the order of the request.
    public var entries: [KeyValue]
    /// The revision that was read.
    public var revision: Revision
    /// The number of all keys in the range, beyond the limit too.
    public var count: Int
    /// Whether the limit cut off keys.
    public var hasMore: Bool
}

/// Keys and values.
extension EtcdClient {
    /// Reads one key; `nil` if it does not exist.
    public func get(_ key: some EtcdBytes, revision: Revision? = nil) async throws(EtcdError) -> KeyValue? {
        try await get(.key(key), .with { $0.revision = revision }).entries.first
    }

    /// Reads keys in one request. For many keys, see ``list(_:keysOnly:pageSize:)``.
    ///
    /// - Throws: `compacted` if etcd no longer keeps the revision.
    public func get(_ range: KeyRange, _ options: GetOptions = GetOptions()) async throws(EtcdError) -> GetResult {
        let request = WireRangeRequest(namespace.adding(to: range), options)
        return GetResult(try await calls.unary(EtcdMethods.range, request), namespace)
    }

    /// The number of keys in a range.
    public func count(_ range: KeyRange) async throws(EtcdError) -> Int {
        var request = WireRangeRequest(namespace.adding(to: range), GetOptions())
        request.countOnly = true
        return Int(try await calls.unary(EtcdMethods.range, request).count)
    }

    /// Reads any number of keys, page by page, all at one revision, which is returned too. The entries come in the
    /// order of their keys' bytes, with or without values.
    public func list(
        _ range: KeyRange,
        keysOnly: Bool = false,
        pageSize: Int = 2000
    ) async throws(EtcdError) -> (entries: [KeyValue], revision: Revision) {
        var options = GetOptions.with {
            $0.keysOnly = keysOnly
            $0.limit = max(1, pageSize)
        }
        var page = try await get(range, options)
        var entries = page.entries
        options.revision = page.revision
        while page.hasMore, let last = page.entries.last {
            page = try await get(range.after(last.key), options)
            entries += page.entries
        }
        return (entries, options.revision ?? page.revision)
    }

    /// Writes a key, which lives by a lease, or until it is deleted. Returns the new revision; the previous entry, if
    /// it was asked for and existed. After `unavailable` and `timeout`, etcd may or may not have written the key.
    @discardableResult
    public func put(
        _ key: some EtcdBytes,
        _ value: some EtcdBytes,
        lease: LeaseID? = nil,
        returnsPrevious: Bool = false
    ) async throws(EtcdError) -> (revision: Revision, previous: KeyValue?) {
        var request = WirePutRequest(key.etcdBytes, value.etcdBytes, lease, namespace)
        request.prevKv = returnsPrevious
        let response = try await calls.unary(EtcdMethods.put, request)
        return (response.header.revision, response.hasPrevKv ? KeyValue(response.prevKv, namespace) : nil)
    }

    /// Deletes keys. Returns the new revision, and the number of deleted keys. After `unavailable` and `timeout`, etcd
    /// may or may not have deleted the keys.
    @discardableResult
    public func delete(_ range: KeyRange) async throws(EtcdError) -> (revision: Revision, count: Int) {
        let response = try await calls.unary(
            EtcdMethods.deleteRange, WireDeleteRangeRequest(namespace.adding(to: range)))
        return (response.header.revision, Int(response.deleted))
    }

    /// Deletes one key. Returns whether it existed.
    @discardableResult
    public func delete(_ key: some EtcdBytes) async throws(EtcdError) -> Bool {
        try await delete(.key(key)).count > 0
    }

    /// Drops the store's history before a revision. May wait until etcd can use the space again.
    public func compact(_ revision: Revision, waitsUntilDone: Bool = false) async throws(EtcdError) {
        let request = WireCompactionRequest.with {
            $0.revision = revision
            $0.physical = waitsUntilDone
        }
        _ = try await calls.unary(EtcdMethods.compact, request)
    }
}

extension GetResult {
    init(_ wire: WireRangeResponse, _ namespace: Namespace) {
        self.init(
            entries: wire.kvs.map { KeyValue($0, namespace) },
            revision: wire.header.revision,
            count: Int(wire.count),
            hasMore: wire.more
        )
    }
}

extension WireDeleteRangeRequest {
    init(_ range: KeyRange) {
        self.init()
        key = Data(range.start)
        rangeEnd = Data(range.end)
    }
}
