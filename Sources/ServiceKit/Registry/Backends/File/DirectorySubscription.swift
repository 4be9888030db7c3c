import Synchronization

/// The changes of a directory that a reader has not looked at yet. Beyond a number of names, everything may have changed.
struct DirectoryChanges: Sendable {
    static let maximumNames = 1024

    /// The files that may have changed. With a file that was closed goes the pause before another look, in case the file
    /// is still locked (see ``DirectorySubscription/lookAgain(at:after:on:)``).
    private(set) var names: [String: Duration?] = [:]
    /// Whether any file may have changed.
    private(set) var everything = false
    /// Whether the directory itself is gone: nothing more will be seen of it.
    var isGone = false

    var isEmpty: Bool { names.isEmpty && !everything && !isGone }

    mutating func insert(_ name: String, pause: Duration? = nil) {
        guard !everything else { return }
        names.updateValue([names[name] ?? nil, pause].compactMap(\.self).min(), forKey: name)
        if names.count > Self.maximumNames { insertEverything() }
    }

    mutating func insertEverything() {
        everything = true
        names = [:]
    }
}

/// One reader's view of a directory. Changes add up until the reader takes them.
final class DirectorySubscription: Sendable {
    /// The pause before a closed file that is still locked is looked at again.
    static let firstPause = Duration.microseconds(500)
    /// The longest pause. A minute after the file was closed, its owner lives.
    private static let longestPause = Duration.seconds(32)

    /// The names of the files of interest; a missing name stands for all files.
    let files: [String?]

    private let changes = Watched(DirectoryChanges())
    private let pauses = Mutex<[String: Duration]>([:])
    private let onCancel: @Sendable (DirectorySubscription) -> Void

    init(_ files: [String?], onCancel: @escaping @Sendable (DirectorySubscription) -> Void) {
        self.files = files
        self.onCancel = onCancel
    }

    /// Waits for changes, and takes them; `nil` when the task is cancelled.
    func next() async -> DirectoryChanges? {
        guard await changes.first(where: { !$0.isEmpty }) != nil else { return nil }
        return changes.update { changes in
            defer { changes = DirectoryChanges() }
            return changes
        }
    }

    func add(_ change: @Sendable (inout DirectoryChanges) -> Void) {
        changes.update { change(&$0) }
    }

    /// Reports a file once more, after a pause in the queue. A longer pause that has begun for the file counts no more;
    /// a shorter one counts instead. The kernel announces the closing of a dying owner's file a moment before it
    /// releases the lock. So a reader that finds a closed file still locked looks again, after pauses that double.
    func lookAgain(at name: String, after pause: Duration, on queue: FileQueue) {
        let isShortest = pauses.withLock { pauses in
            if pause > Self.longestPause || pauses[name].map({ $0 <= pause }) == true { return false }
            pauses[name] = pause
            return true
        }
        guard isShortest else { return }
        queue.after(pause) { [weak self] in
            let isCurrent = self?.pauses.withLock { pauses in
                guard pauses[name] == pause else { return false }
                pauses[name] = nil
                return true
            }
            if isCurrent == true { self?.add { $0.insert(name, pause: pause * 2) } }
        }
    }

    /// Ends the subscription; the directory is no longer watched for it.
    func cancel() {
        onCancel(self)
    }
}
