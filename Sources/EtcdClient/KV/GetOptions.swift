internal import FoundationEssentials

/// What to read and how.
public struct GetOptions: Sendable, Hashable {
    /// By what keys are sorted.
    public enum SortTarget: Sendable, Hashable {
        /// By the keys themselves.
        case key
        /// By how often they were written.
        case version
        /// By when they were created.
        case createRevision
        /// By when they were changed last.
        case modRevision
        /// By their values.
        case value
    }

    /// In which order keys come.
    public enum Order: Sendable, Hashable {
        /// The least first.
        case ascending
        /// The greatest first.
        case descending
    }

    /// The most keys to return. Default: all.
    public var limit: Int?
    /// The state to read. Default: the latest.
    public var revision: Revision?
    /// By what keys are sorted, and in which order. Default: by key, ascending.
    public var sort: (target: SortTarget, order: Order)? {
        get { sorting.map { ($0.target, $0.order) } }
        set { sorting = newValue.map { Sorting(target: $0.target, order: $0.order) } }
    }
    /// Whether the member asked may answer from what it has, which is faster and may be behind. Default: no.
    public var isSerializable = false
    /// Whether values are left out. Default: no.
    public var keysOnly = false
    /// Only keys changed at this revision or later.
    public var minModRevision: Revision?
    /// Only keys changed at this revision or before.
    public var maxModRevision: Revision?
    /// Only keys created at this revision or later.
    public var minCreateRevision: Revision?
    /// Only keys created at this revision or before.
    public var maxCreateRevision: Revision?

    private struct Sorting: Sendable, Hashable {
        var target: SortTarget
        var order: Order
    }

    private var sorting: Sorting?

    /// The defaults.
    public init() {}

    /// The defaults, changed.
    public static func with(_ configure: (inout GetOptions) -> Void) -> GetOptions {
        var options = GetOptions()
        configure(&options)
        return options
    }
}

extension WireRangeRequest {
    /// - Parameter range: The keys, with the client's namespace.
    init(_ range: KeyRange, _ options: GetOptions) {
        self.init()
        key = Data(range.start)
        rangeEnd = Data(range.end)
        limit = Int64(options.limit ?? 0)
        revision = options.revision ?? 0
        if let sort = options.sort {
            sortTarget =
                switch sort.target {
                case .key: .key
                case .version: .version
                case .createRevision: .create
                case .modRevision: .mod
                case .value: .value
                }
            sortOrder = sort.order == .ascending ? .ascend : .descend
        }
        serializable = options.isSerializable
        keysOnly = options.keysOnly
        minModRevision = options.minModRevision ?? 0
        maxModRevision = options.maxModRevision ?? 0
        minCreateRevision = options.minCreateRevision ?? 0
        maxCreateRevision = options.maxCreateRevision ?? 0
    }
}
