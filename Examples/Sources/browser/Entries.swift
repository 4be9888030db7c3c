import GuestbookAPI
import Synchronization

/// The latest entries, and those who watch them.
final class Entries: Sendable {
    /// The largest number of entries that are kept, and that a slow watcher may lag behind.
    private static let capacity = 100

    private struct State {
        var entries: [Guestbook_V1_Entry] = []
        var watchers: [Int: AsyncStream<Guestbook_V1_Entry>.Continuation] = [:]
        var lastWatcher = 0
    }

    private let state = Mutex(State())

    func add(_ entry: Guestbook_V1_Entry) {
        state.withLock { state in
            state.entries = state.entries.suffix(Self.capacity - 1) + [entry]
            for watcher in state.watchers.values { watcher.yield(entry) }
        }
    }

    /// The entries so far, and then each new one. A watcher that is slow misses the oldest.
    func watch() -> AsyncStream<Guestbook_V1_Entry> {
        let (stream, watcher) = AsyncStream.makeStream(
            of: Guestbook_V1_Entry.self, bufferingPolicy: .bufferingNewest(Self.capacity))
        let number = state.withLock { state in
            state.lastWatcher += 1
            for entry in state.entries { watcher.yield(entry) }
            state.watchers[state.lastWatcher] = watcher
            return state.lastWatcher
        }
        watcher.onTermination = { [weak self] _ in self?.remove(number) }
        return stream
    }

    /// Ends the streams of all who watch now.
    func endWatches() {
        for watcher in state.withLock({ Array($0.watchers.values) }) { watcher.finish() }
    }

    private func remove(_ number: Int) {
        state.withLock { _ = $0.watchers.removeValue(forKey: number) }
    }
}
