import Dispatch
import ServiceKit

/// Tells when the sources of a service have changed.
///
/// Only a look at all files counts: so no change is missed, be it in a new directory or while nobody listened. inotify
/// says when to look. Where no watch is left, the watcher looks every second.
final class SourceWatcher: Sendable {
    /// How often the files are looked at unasked.
    static let interval = Duration.seconds(1)

    private let roots: [String]
    private let notices = Watched(0)
    private let known: Watched<SourceSnapshot>
    private let inotify: Inotify?

    /// Starts to watch.
    ///
    /// - Parameter roots: Files and directories, which need not exist.
    init(roots: [String]) {
        self.roots = roots
        let notices = notices
        inotify = try? Inotify(queue: DispatchQueue(label: "kit.sources")) { _ in notices.update { $0 += 1 } }
        known = Watched(SourceSnapshot(of: roots))
        listen(to: known.value)
    }

    deinit {
        inotify?.cancel()
    }

    /// Waits until the sources are others than when it returned last, and a burst of changes is over.
    ///
    /// - Returns: Whether they are; `false` when the task was cancelled.
    func waitForChange() async -> Bool {
        var debouncer = Debouncer()
        var snapshot = known.value
        while !Task.isCancelled {
            let seen = notices.value
            let now = SourceSnapshot(of: roots)
            if now != snapshot {
                snapshot = now
                listen(to: now)
                debouncer.note(at: .now)
            }
            if let due = debouncer.due, due <= .now {
                // What was put back as it was is no change.
                if snapshot == known.value {
                    debouncer = Debouncer()
                    continue
                }
                known.set(snapshot)
                return true
            }
            await waitForNotice(after: seen, until: debouncer.due ?? .now + Self.interval)
        }
        return false
    }

    private func waitForNotice(after seen: Int, until deadline: ContinuousClock.Instant) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(until: deadline) }
            group.addTask { [notices] in _ = await notices.first { $0 != seen } }
            await group.next()
            group.cancelAll()
        }
    }

    private func listen(to snapshot: SourceSnapshot) {
        // A directory that cannot be watched is looked at all the same.
        for directory in snapshot.directories { _ = try? inotify?.add(directory) }
    }
}
