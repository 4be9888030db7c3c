/// A change of a key.
public struct WatchEvent: Sendable, Hashable {
    /// What happened to the key.
    public enum Kind: Sendable, Hashable {
        /// It was written.
        case put
        /// It was deleted, by someone or with its lease.
        case delete
    }

    /// What happened.
    public var kind: Kind
    /// The key as it is now; of one deleted, only the key and the revision.
    public var entry: KeyValue
    /// The key as it was before, if that was asked for and there was one.
    public var previous: KeyValue?

    /// Creates an event, for tests.
    public init(kind: Kind, entry: KeyValue, previous: KeyValue? = nil) {
        self.kind = kind
        self.entry = entry
        self.previous = previous
    }
}

/// What a watch has to tell.
public enum WatchUpdate: Sendable, Hashable {
    /// Keys have changed: all changes of one or more revisions, in their order. Nothing is missing between two of these,
    /// and nothing comes twice.
    case events([WatchEvent])
    /// Nothing has changed up to this revision; see ``WatchOptions/notifiesOfProgress``.
    case progress(Revision)
    /// etcd watches: whatever happens from this revision on will be told. It is said at the start, and after each
    /// interruption.
    case connected(Revision)
    /// etcd cannot be reached; the watch goes on, where it was, as soon as it can be.
    case interrupted(EtcdError)
}

/// How to watch.
public struct WatchOptions: Sendable, Hashable {
    /// From which revision on. Default: from now on.
    public var from: Revision?
    /// Whether a key's entry before a change is told as well. Default: no.
    public var returnsPrevious = false
    /// Whether writes are told. Default: yes.
    public var includesPuts = true
    /// Whether deletions are told. Default: yes.
    public var includesDeletes = true
    /// Whether etcd says from time to time, by default every 10 minutes, up to where nothing has happened. Default: no.
    public var notifiesOfProgress = false

    /// The defaults.
    public init() {}

    /// The defaults, changed.
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
