import Logging
import Synchronization

/// Tells readers what changes in directories: at once through inotify, or, when no inotify watch is left, by having them
/// look again every second. It holds nothing while there is no reader.
final class DirectoryWatcher: Sendable {
    /// How often readers look again where there is no inotify.
    static let pollingInterval = Duration.seconds(1)
    /// How often the missing inotify is logged, at most: readers that fail start over, and try it again.
    private static let warningInterval = Duration.seconds(60)

    private struct Directory {
        /// The kernel's number for the directory; none when it is polled.
        let watch: CInt?
        /// The readers of each file; those of all files have no name.
        var readers: [String?: [DirectorySubscription]] = [:]
    }

    private struct State {
        var directories: [String: Directory] = [:]
        var paths: [CInt: String] = [:]
        var inotify: Inotify?
        var warnedAt: ContinuousClock.Instant?
        var isPolling = false

        mutating func closeIfUnused() {
            guard directories.isEmpty else { return }
            inotify?.cancel()
            inotify = nil
        }
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
    /// - Returns: The place where the changes arrive. Cancel it at the end, once.
    /// - Throws: When the directory is missing or may not be read.
    func subscribe(to directory: String, files: [String] = []) throws(SystemError) -> DirectorySubscription {
        let subscription = DirectorySubscription(files.isEmpty ? [nil] : files) { [weak self] subscription in
            self?.unsubscribe(subscription, from: directory)
        }
        try state.withLock { (state) throws(SystemError) in
            defer { state.closeIfUnused() }
            if state.directories[directory] == nil {
                state.directories[directory] = Directory(watch: try watch(directory, &state))
            }
            for file in subscription.files {
                state.directories[directory]?.readers[file, default: []].append(subscription)
            }
        }
        subscriptions.update { $0 += 1 }
        return subscription
    }

    private func unsubscribe(_ subscription: DirectorySubscription, from path: String) {
        state.withLock { state in
            guard var directory = state.directories[path] else { return }
            for file in subscription.files {
                let others = directory.readers[file, default: []].filter { $0 !== subscription }
                directory.readers[file] = others.isEmpty ? nil : others
            }
            state.directories[path] = directory.readers.isEmpty ? nil : directory
            if directory.readers.isEmpty, let watch = directory.watch {
                state.paths[watch] = nil
                state.inotify?.remove(watch)
            }
            state.closeIfUnused()
        }
        subscriptions.update { $0 -= 1 }
    }

    // MARK: - Polling

    private func startPolling(_ state: inout State) {
        guard !state.isPolling else { return }
        state.isPolling = true
        queue.after(Self.pollingInterval) { [weak self] in self?.poll() }
    }

    /// Has the readers of directories that the kernel does not watch look again.
    private func poll() {
        let readers = state.withLock { state in
            let readers = state.directories.values.filter { $0.watch == nil }.flatMap(\.readers.values).joined()
            state.isPolling = false
            if !readers.isEmpty { startPolling(&state) }
            return Array(readers)
        }
        for reader in readers { reader.add { $0.insertEverything() } }
    }

    // MARK: - inotify

    /// Has the kernel watch a directory.
    ///
    /// - Returns: The kernel's number for it; `nil` when it is polled.
    private func watch(_ directory: String, _ state: inout State) throws(SystemError) -> CInt? {
        do throws(SystemError) {
            if mayUseInotify {
                if state.inotify == nil {
                    state.inotify = try Inotify(queue: queue.queue) { [weak self] in self?.handle($0) }
                }
                if let watch = try state.inotify?.add(directory) {
                    state.paths[watch] = directory
                    return watch
                }
            }
        } catch  where error.isExhaustion || error.isRefusal {
            if state.warnedAt.map({ $0.duration(to: .now) >= Self.warningInterval }) ?? true {
                state.warnedAt = .now
                logger.warning(
                    "inotify cannot watch a directory: changes and dead owners are seen with delay",
                    metadata: ["cause": "\(error.registryError)", "delay": "\(Self.pollingInterval)"]
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
                let pause = event.isClosed ? DirectorySubscription.firstPause : nil
                for reader in readers(of: event) { reader.add { $0.insert(event.name, pause: pause) } }
            }
        }
    }

    private func readers(of event: Inotify.Event) -> [DirectorySubscription] {
        state.withLock { state in
            let readers = state.paths[event.watch].flatMap { state.directories[$0]?.readers } ?? [:]
            return readers[nil, default: []] + readers[event.name, default: []]
        }
    }

    /// Tells the readers of a directory that it is gone. They subscribe anew, to the directory that is there then.
    private func forget(_ watch: CInt) {
        let readers = state.withLock { state in
            // After a move the kernel would go on watching the directory at its new place.
            if let path = state.paths.removeValue(forKey: watch) {
                state.inotify?.remove(watch)
                let directory = state.directories.removeValue(forKey: path)
                state.closeIfUnused()
                return directory.map { Array($0.readers.values.joined()) } ?? []
            }
            return []
        }
        for reader in readers { reader.add { $0.insertGone() } }
    }
}
