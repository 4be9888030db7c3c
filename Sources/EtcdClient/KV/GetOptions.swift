internal import FoundationEssentials

/// The options of a read.
public struct GetOptions: Sendable, Hashable {
    /// The property that keys are sorted by.
    public enum SortTarget: Sendable, Hashable {
        /// The key itself.
        case key
        /// The number of writes since the key was created.
        case version
        /// The revision of the key's creation.
        case createRevision
        /// The revision of the key's last change.
        case modRevision
        /// The value.
        case value
    }

    /// The order of the keys.
    public enum Order: Sendable, Hashable {
        /// The least first.
        case ascending
        /// The greatest first.
        case descending
    }

    /// The largest number of keys to return. Default: all.
    public var limit: Int?
    /// The revision to read. Default: the latest.
    public var revision: Revision?
    /// The property that keys are sorted by. Default: the key, in ascending order.
    public var sort: SortTarget?
    /// The order of the sort. Default: ascending.
    public var order = Order.ascending
    /// Whether the member may answer from its own data, without the other members. This is faster; the data may be old.
    /// Default: no.
    public var isSerializable = false
    /// Whether to leave out the values. Default: no.
    public var keysOnly = false
    /// Only keys that were changed at this revision or later.
    public var minModRevision: Revision?
    /// Only keys that were changed at this revision or before.
    public var maxModRevision: Revision?
    /// Only keys that were created at this revision or later.
    public var minCreateRevision: Revision?
    /// Only keys that were created at this revision or before.
    public var maxCreateRevision: Revision?

    /// The defaults.
    public init() {}

    /// The defaults with changes.
    public static func with(_ configure: (inout GetOptions) -> Void) -> GetOptions {
        var options = GetOptions()
        configure(&options)
        return options
    }
}

extension WireRangeRequest {
    /// The keys of the range have the client's namespace.
    init(_ range: KeyRange, _ options: GetOptions) {
        self.init()
        key = Data(range.start)
        rangeEnd = Data(range.end)
        limit = Int64(options.limit ?? 0)
        revision = options.revision ?? 0
        if let sort = options.sort {
            sortTarget =
                switch sort {
                case .key: .key
                case .version: .version
                case .createRevision: .create
                case .modRevision: .mod
                case .value: .value
                }
            sortOrder = options.order == .ascending ? .ascend : .descend
        }
        serializable = options.isSerializable
        keysOnly = options.keysOnly
        minModRevision = options.minModRevision ?? 0
        maxModRevision = options.maxModRevision ?? 0
        minCreateRevision = options.minCreateRevision ?? 0
        maxCreateRevision = options.maxCreateRevision ?? 0
    }
}
