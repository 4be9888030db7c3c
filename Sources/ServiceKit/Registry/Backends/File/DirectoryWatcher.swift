import Logging
import Synchronization

/// Tells readers what changes in directories: at once through inotify on Linux, elsewhere by having them look again
/// every second. Holds nothing while there is no reader.
///
/// The kernel announces that a dying owner's file is closed a moment before it releases the lock. So whoever is told of
/// a closed file and still finds it locked looks again, after pauses that double from half a millisecond to a minute in
/// all: ``lookAgain(at:looks:for:)``.
final class DirectoryWatcher: Sendable {
    /// How often a closed file is looked at again while it is locked.
    static let looks = 17
    /// How often readers look again where there is no inotify.
    static let pollingInterval = Duration.seconds(1)
    /// How often it is logged that there is no inotify, at most: readers that fail start over, and try it again.
    private static let warningInterval = Duration.seconds(60)

    private struct Directory {
        /// The kernel's number for it; none when it is polled.
        var watch: CInt?
        var readers: [ObjectIdentifier: DirectorySubscription] = [:]
        /// Readers that are interested in one file only.
        var readersOfFile: [String: [ObjectIdentifier: DirectorySubscription]] = [:]

        var everyone: [DirectorySubscription] {
            Array(readersOfFile.values.reduce(into: readers) { $0.merge($1) { first, _ in first } }.values)
        }
        var isUnused: Bool { readers.isEmpty && readersOfFile.isEmpty }
    }

    private struct State {
        var directories: [String: Directory] = [:]
        var isPolling = false
        var warnedAt: ContinuousClock.Instant?
        var inotify: Inotify?
        var paths: [CInt: String] = [:]
    }

    /// How many subscriptions there are.
    let subscriptions = Watched(0)

    private let state = Mutex(State())
    private let queue: FileQueue
    private let logger: Logger
    private let mayUseInotify: Bool

    init(queue: FileQueue, logger: Logger, mayUseInotify: Bool = true) {
        self.queue = queue
        self.logger = logger
        self.mayUseInotify = mayUseInotify
    }

    /// Starts to watch a directory. Changes from now on will be told.
    ///
    /// - Parameters:
    ///   - directory: The directory's path.
    ///   - files: The names of the only files of interest; by default all are.
    /// - Returns: Where the changes arrive, until it is cancelled.
    /// - Throws: When the directory is missing or may not be read.
    func subscribe(to directory: String, files: [String] = []) throws(SystemError) -> DirectorySubscription {
        let subscription = DirectorySubscription { [weak self] subscription in
            self?.unsubscribe(subscription, from: directory, files: files)
        }
        let id = ObjectIdentifier(subscription)
        let failure: SystemError? = state.withLock { state in
            do throws(SystemError) {
                if state.directories[directory] == nil {
                    state.directories[directory] = Directory(watch: try watch(directory, &state))
                }
            } catch {
                closeIfUnused(&state)
                return error
            }
            for file in files { state.directories[directory]?.readersOfFile[file, default: [:]][id] = subscription }
            if files.isEmpty { state.directories[directory]?.readers[id] = subscription }
            return nil
        }
        if let failure { throw failure }
        subscriptions.update { $0 += 1 }
        return subscription
    }

    /// Reports a file as changed after a pause, once more.
    ///
    /// - Parameters:
    ///   - name: The file.
    ///   - looks: How many looks are left.
    ///   - subscription: To whom.
    func lookAgain(at name: String, looks: Int, for subscription: DirectorySubscription) {
        // One look at a time for each file, however often it is closed.
        guard looks > 0, subscription.expectedLooks.withLock({ $0.insert(name).inserted }) else { return }
        let pause = Duration.microseconds(500 << (Self.looks - looks))
        queue.after(pause) { [weak subscription] in
            subscription?.expectedLooks.withLock { _ = $0.remove(name) }
            subscription?.add { $0.insert(name, looks: looks - 1) }
        }
    }

    private func unsubscribe(_ subscription: DirectorySubscription, from path: String, files: [String]) {
        let id = ObjectIdentifier(subscription)
        let wasThere = state.withLock { state in
            guard var directory = state.directories[path] else { return false }
            var wasThere = directory.readers.removeValue(forKey: id) != nil
            for file in files {
                if directory.readersOfFile[file]?.removeValue(forKey: id) != nil { wasThere = true }
                if directory.readersOfFile[file]?.isEmpty == true { directory.readersOfFile[file] = nil }
            }
            state.directories[path] = directory.isUnused ? nil : directory
            if directory.isUnused, let watch = directory.watch {
                state.paths[watch] = nil
                state.inotify?.remove(watch)
            }
            closeIfUnused(&state)
            return wasThere
        }
        if wasThere { subscriptions.update { $0 -= 1 } }
    }

    private func closeIfUnused(_ state: inout State) {
        guard state.directories.isEmpty else { return }
        state.inotify?.cancel()
        state.inotify = nil
    }

    // MARK: - Polling

    /// Has the readers of directories that the kernel does not watch look again from time to time.
    private func startPolling(_ state: inout State) {
        guard !state.isPolling else { return }
        state.isPolling = true
        queue.after(Self.pollingInterval) { [weak self] in self?.poll() }
    }

    private func poll() {
        let readers = state.withLock { state in
            let readers = state.directories.values.filter { $0.watch == nil }.flatMap(\.everyone)
            state.isPolling = false
            if !readers.isEmpty { startPolling(&state) }
            return readers
        }
        for reader in readers { reader.add { $0.insertEverything() } }
    }

    // MARK: - inotify

    /// Has the kernel watch a directory.
    ///
    /// - Returns: The kernel's number for it; `nil` when it is polled.
    private func watch(_ directory: String, _ state: inout State) throws(SystemError) -> CInt? {
        guard mayUseInotify else {
            startPolling(&state)
            return nil
        }
        do throws(SystemError) {
            let inotify: Inotify
            if let running = state.inotify {
                inotify = running
            } else {
                inotify = try Inotify(queue: queue.queue) { [weak self] in self?.handle($0) }
                state.inotify = inotify
            }
            let watch = try inotify.add(directory)
            state.paths[watch] = directory
            return watch
        } catch  where error.isExhaustion {
            let isWarningDue = state.warnedAt.map { $0.duration(to: .now) >= Self.warningInterval } ?? true
            if isWarningDue {
                state.warnedAt = .now
                logger.warning(
                    "no inotify watch left: changes and dead owners are seen with delay",
                    metadata: ["cause": "\(error)", "delay": "\(Self.pollingInterval)"]
                )
            }
        }
        startPolling(&state)
        return nil
    }

    private func handle(_ events: [Inotify.Event]) {
        for event in events {
            if event.isOverflow {
                // Lost with the rest may be the notice that a directory is gone, so everyone starts over.
                for watch in state.withLock({ Array($0.paths.keys) }) { forget(watch) }
            } else if event.isGone {
                forget(event.watch)
            } else if !event.name.hasPrefix(".") {
                let looks = event.isClosed ? Self.looks : 0
                for reader in readers(of: event) { reader.add { $0.insert(event.name, looks: looks) } }
            }
        }
    }

    private func readers(of event: Inotify.Event) -> [DirectorySubscription] {
        state.withLock { state in
            guard let path = state.paths[event.watch], let directory = state.directories[path] else { return [] }
            return Array(directory.readers.values) + Array(directory.readersOfFile[event.name, default: [:]].values)
        }
    }

    /// Tells the readers of a directory that it is gone. They subscribe anew, to the one that is there then.
    private func forget(_ watch: CInt) {
        let readers = state.withLock { state -> [DirectorySubscription] in
            guard let path = state.paths.removeValue(forKey: watch) else { return [] }
            // After a move the kernel would go on watching it at its new place.
            state.inotify?.remove(watch)
            let readers = state.directories.removeValue(forKey: path)?.everyone ?? []
            closeIfUnused(&state)
            return readers
        }
        subscriptions.update { $0 -= readers.count }
        for reader in readers { reader.add { $0.insertGone() } }
    }
}
