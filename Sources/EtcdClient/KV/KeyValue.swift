internal import FoundationEssentials

/// The id of a lease.
public typealias LeaseID = Int64

/// The number of a state of the store. Each change adds one.
public typealias Revision = Int64

/// A key, its value, and etcd's record of both.
public struct KeyValue: Sendable, Hashable {
    /// The key, without the client's namespace.
    public var key: [UInt8]
    /// The value; empty if only keys were asked for, and in the event of a deletion.
    public var value: [UInt8]
    /// The revision at which the key was created.
    public var createRevision: Revision
    /// The revision of the key's last change.
    public var modRevision: Revision
    /// The number of writes since the key was created.
    public var version: Int64
    /// The lease that the key lives by; `nil` for none.
    public var lease: LeaseID?

    /// Creates an entry, for tests.
    public init(
        key: some EtcdBytes,
        value: some EtcdBytes,
        createRevision: Revision = 0,
        modRevision: Revision = 0,
        version: Int64 = 0,
        lease: LeaseID? = nil
    ) {
        self.key = key.etcdBytes
        self.value = value.etcdBytes
        self.createRevision = createRevision
        self.modRevision = modRevision
        self.version = version
        self.lease = lease
    }

    /// The key as text; bytes that are not UTF-8 are replaced.
    public var keyText: String { String(decoding: key, as: UTF8.self) }

    /// The value as text; bytes that are not UTF-8 are replaced.
    public var valueText: String { String(decoding: value, as: UTF8.self) }
}

extension KeyValue {
    init(_ wire: WireKeyValue, _ namespace: Namespace) {
        self.init(
            key: namespace.removing(from: [UInt8](wire.key)),
            value: [UInt8](wire.value),
            createRevision: wire.createRevision,
            modRevision: wire.modRevision,
            version: wire.version,
            lease: wire.lease == 0 ? nil : wire.lease
        )
    }
}
