internal import FoundationEssentials
internal import SwiftProtobuf

/// What a read found.
public struct GetResult: Sendable, Hashable {
    /// The keys found, in the order asked for.
    public var entries: [KeyValue]
    /// The state that was read.
    public var revision: Revision
    /// How many keys there are in all, whatever the limit.
    public var count: Int
    /// Whether there are more than the limit let through.
    public var hasMore: Bool
}

/// Keys and values.
extension EtcdClient {
    /// Reads one key.
    ///
    /// - Returns: The entry, or `nil` if there is none.
    /// - Throws: ``EtcdError``.
    public func get(_ key: some EtcdBytes, revision: Revision? = nil) async throws(EtcdError) -> KeyValue? {
        try await get(.key(key), .with { $0.revision = revision }).entries.first
    }

    /// Reads keys in one request; for many, see ``list(_:keysOnly:pageSize:)``.
    ///
    /// - Throws: ``EtcdError``: `compacted` if the revision asked for is no longer kept.
    public func get(_ range: KeyRange, _ options: GetOptions = GetOptions()) async throws(EtcdError) -> GetResult {
        let request = WireRangeRequest(namespace.adding(to: range), options)
        return GetResult(try await calls.unary(.range, request), namespace)
    }

    /// How many keys there are.
    ///
    /// - Throws: ``EtcdError``.
    public func count(_ range: KeyRange) async throws(EtcdError) -> Int {
        var request = WireRangeRequest(namespace.adding(to: range), GetOptions())
        request.countOnly = true
        return Int(try await calls.unary(.range, request).count)
    }

    /// Reads any number of keys, page by page, all as of one revision.
    ///
    /// - Parameters:
    ///   - range: The keys, which come in their order.
    ///   - keysOnly: Whether values are left out.
    ///   - pageSize: How many are asked for at a time.
    /// - Returns: The entries, and the revision that was read.
    /// - Throws: ``EtcdError``.
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

    /// Writes a key.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - value: Its value.
    ///   - lease: The lease that the key lives by; without it lives until it is deleted.
    ///   - returnsPrevious: Whether to return what was there before.
    /// - Returns: The new revision, and the previous entry if it was asked for and there was one.
    /// - Throws: ``EtcdError``. With `unavailable` and `timeout` it is not known whether the key was written.
    @discardableResult
    public func put(
        _ key: some EtcdBytes,
        _ value: some EtcdBytes,
        lease: LeaseID? = nil,
        returnsPrevious: Bool = false
    ) async throws(EtcdError) -> (revision: Revision, previous: KeyValue?) {
        var request = WirePutRequest(.put(key, value, lease: lease), namespace)
        request.prevKv = returnsPrevious
        let response = try await calls.unary(.put, request)
        return (
            response.header.revision, response.hasPrevKv ? KeyValue(response.prevKv, namespace) : nil
        )
    }

    /// Deletes keys.
    ///
    /// - Returns: The new revision, and how many keys were there.
    /// - Throws: ``EtcdError``. With `unavailable` and `timeout` it is not known whether the keys were deleted.
    @discardableResult
    public func delete(_ range: KeyRange) async throws(EtcdError) -> (revision: Revision, count: Int) {
        let response = try await calls.unary(.deleteRange, WireDeleteRangeRequest(namespace.adding(to: range)))
        return (response.header.revision, Int(response.deleted))
    }

    /// Deletes one key.
    ///
    /// - Returns: Whether it was there.
    /// - Throws: ``EtcdError``.
    @discardableResult
    public func delete(_ key: some EtcdBytes) async throws(EtcdError) -> Bool {
        try await delete(.key(key)).count > 0
    }

    /// Forgets the history of the store up to a revision.
    ///
    /// - Parameters:
    ///   - revision: The oldest state that is kept.
    ///   - waitsUntilDone: Whether to wait until the space is free for others.
    /// - Throws: ``EtcdError``.
    public func compact(_ revision: Revision, waitsUntilDone: Bool = false) async throws(EtcdError) {
        let request = WireCompactionRequest.with {
            $0.revision = revision
            $0.physical = waitsUntilDone
        }
        _ = try await calls.unary(.compact, request)
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
