/// A change of a key.
public struct WatchEvent: Sendable, Hashable {
    /// The kind of a change.
    public enum Kind: Sendable, Hashable {
        /// The key was written.
        case put
        /// The key was deleted, by a client or with its lease.
        case delete
    }

    /// The kind of the change.
    public var kind: Kind
    /// The key after the change. A deleted key has only a key and a revision.
    public var entry: KeyValue
    /// The key before the change, if it was asked for and existed.
    public var previous: KeyValue?

    /// Creates an event, for tests.
    public init(kind: Kind, entry: KeyValue, previous: KeyValue? = nil) {
        self.kind = kind
        self.entry = entry
        self.previous = previous
    }
}

/// An update of a watch.
public enum WatchUpdate: Sendable, Hashable {
    /// Keys have changed: all changes of one or more revisions, in order. No change is missing between two updates, and
    /// none comes twice.
    case events([WatchEvent])
    /// No key has changed up to this revision; see ``WatchOptions/notifiesOfProgress``.
    case progress(Revision)
    /// etcd watches: the reader will get every change from this revision on. This update comes at the start and after
    /// each interruption.
    case connected(Revision)
    /// etcd cannot be reached. The watch resumes at the same place as soon as possible.
    case interrupted(EtcdError)
}

/// The options of a watch.
public struct WatchOptions: Sendable, Hashable {
    /// The first revision to watch. Default: the next one.
    public var from: Revision?
    /// Whether events carry the key's entry before the change. Default: no.
    public var returnsPrevious = false
    /// Whether writes are reported. Default: yes.
    public var includesPuts = true
    /// Whether deletions are reported. Default: yes.
    public var includesDeletes = true
    /// Whether etcd reports a revision up to which no key has changed, by default every 10 minutes. Default: no.
    public var notifiesOfProgress = false

    /// The defaults.
    public init() {}

    /// The defaults with changes.
    public static func with(_ configure: (inout WatchOptions) -> Void) -> WatchOptions {
        var options = WatchOptions()
        configure(&options)
        return options
    }
}

extension WatchEvent {
    init(_ wire: WireEvent, _ namespace: Namespace) {
        self.init(
            kind: wire.type == .delete ? .delete : .put,
            entry: KeyValue(wire.kv, namespace),
            previous: wire.hasPrevKv ? KeyValue(wire.prevKv, namespace) : nil
        )
    }
}
