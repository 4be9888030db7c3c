import Synchronization

/// What may have changed in a directory since its reader last looked. Bounded: beyond a number of names it just says
/// that everything may have.
struct DirectoryChanges: Sendable {
    /// The most names listed.
    static let maximumNames = 1024

    /// The files, and with each how often to look again if its owner still seems alive (see ``DirectoryWatcher``).
    private(set) var names: [String: Int] = [:]
    /// Any file may have changed.
    private(set) var everything = false
    /// The directory itself is gone, and nothing more will be seen of it.
    private(set) var isGone = false

    var isEmpty: Bool { names.isEmpty && !everything && !isGone }

    mutating func insert(_ name: String, looks: Int) {
        guard !everything else { return }
        names[name] = max(looks, names[name] ?? 0)
        if names.count > Self.maximumNames { insertEverything() }
    }

    mutating func insertEverything() {
        everything = true
        names = [:]
    }

    mutating func insertGone() {
        isGone = true
    }
}

/// One reader's view of a directory: the changes wait here, added up, until it takes them.
final class DirectorySubscription: Sendable {
    /// The files that ``DirectoryWatcher/lookAgain(at:looks:for:)`` is going to report.
    let expectedLooks = Mutex<Set<String>>([])

    private let changes = Watched(DirectoryChanges())
    private let onCancel: @Sendable (DirectorySubscription) -> Void

    init(onCancel: @escaping @Sendable (DirectorySubscription) -> Void) {
        self.onCancel = onCancel
    }

    /// Waits for changes and takes them.
    ///
    /// - Returns: `nil` when the task is cancelled.
    func next() async -> DirectoryChanges? {
        guard await changes.first(where: { !$0.isEmpty }) != nil else { return nil }
        return changes.update { changes in
            defer { changes = DirectoryChanges() }
            return changes
        }
    }

    /// Adds a change.
    func add(_ change: @Sendable (inout DirectoryChanges) -> Void) {
        changes.update { change(&$0) }
    }

    /// Ends it; the directory is no longer watched for it.
    func cancel() {
        onCancel(self)
    }
}
