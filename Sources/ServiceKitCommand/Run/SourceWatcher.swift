import Dispatch
import ServiceKit
import ServiceKitConcurrency

/// Reports changes of a service's sources.
///
/// The watcher compares all files each time, so it misses no change: neither in a new directory nor between two waits.
/// inotify says when to compare. Without inotify, the watcher compares every second.
final class SourceWatcher: Sendable {
    /// The time between two comparisons without a notice.
    static let interval = Duration.seconds(1)

    private let roots: [String]
    private let notices = Watched(0)
    private let known: Watched<SourceSnapshot>
    private let inotify: Inotify?

    /// Starts to watch files and directories, which need not exist.
    init(roots: [String]) {
        self.roots = roots
        let notices = notices
        inotify = try? Inotify(queue: DispatchQueue(label: "kit.sources")) { _ in notices.update { $0 += 1 } }
        known = Watched(SourceSnapshot(of: roots))
        listen(to: known.value)
    }

    deinit { inotify?.cancel() }

    /// Waits until the sources differ from those at the last return, and a burst of changes is over. Returns `false`
    /// when the task was cancelled.
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
                // A file that was restored has not changed.
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
        _ = try? await withDeadline(deadline, onExpiry: CancellationError()) { [notices] in
            await notices.first { $0 != seen }
        }
    }

    private func listen(to snapshot: SourceSnapshot) {
        // The watcher compares even directories that inotify cannot watch.
        for directory in snapshot.directories { _ = try? inotify?.add(directory) }
    }
}
