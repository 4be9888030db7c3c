import Glibc
import Logging
import Synchronization

/// Tells readers what changes in directories: at once through inotify, or, when no inotify watch is left, by having them
/// look again every second. It holds nothing while there is no reader.
///
/// inotify follows a directory, not a path. So each second a check compares the path's directory with the watched one: a
/// directory above may have been renamed, a link may lead elsewhere, another file system may be mounted there.
final class DirectoryWatcher: Sendable {
    /// How often the directories are checked, and readers look again where there is no inotify.
    static let pollingInterval = Duration.seconds(1)
    /// How often the missing inotify is logged, at most: readers that fail start over, and try it again.
    private static let warningInterval = Duration.seconds(60)

    private struct Directory {
        /// The kernel's number for the directory; none when it is polled.
        let watch: CInt?
        /// The directory at the path when the watch began.
        let status: FileStatus
        /// The readers of each file; those of all files have no name.
        var readers: [String?: [DirectorySubscription]] = [:]
    }

    private struct State {
        var directories: [String: Directory] = [:]
        var paths: [CInt: String] = [:]
        var inotify: Inotify?
        var warnedAt: ContinuousClock.Instant?
        var isPolling = false

        /// Removes a directory, and returns its readers.
        mutating func remove(_ path: String) -> [DirectorySubscription] {
            guard let directory = directories.removeValue(forKey: path) else { return [] }
            if let watch = directory.watch {
                paths[watch] = nil
                // After a move the kernel would go on watching the directory at its new place.
                inotify?.remove(watch)
            }
            closeIfUnused()
            return Array(directory.readers.values.joined())
        }

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

    /// Starts to watch a directory: all its files, or only files of some names. Changes from now on arrive in the
    /// subscription. Cancel it at the end, once. Throws when the directory is missing or may not be
    /// read.
    func subscribe(to directory: String, files: [String] = []) throws(SystemError) -> DirectorySubscription {
        let subscription = DirectorySubscription(files.isEmpty ? [nil] : files) { [weak self] subscription in
            self?.unsubscribe(subscription, from: directory)
        }
        try state.withLock { (state) throws(SystemError) in
            defer { state.closeIfUnused() }
            if state.directories[directory] == nil {
                // Before the watch: of a directory that is replaced in between, the next check tells.
                guard let status = try FileStatus.ofLink(directory) else {
                    throw SystemError("watch directory", directory, number: ENOENT)
                }
                state.directories[directory] = Directory(watch: try watch(directory, &state), status: status)
                startPolling(&state)
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
            state.directories[path] = directory
            if directory.readers.isEmpty { _ = state.remove(path) }
        }
        subscriptions.update { $0 -= 1 }
    }

    // MARK: - Polling

    private func startPolling(_ state: inout State) {
        guard !state.isPolling else { return }
        state.isPolling = true
        queue.after(Self.pollingInterval) { [weak self] in self?.poll() }
    }

    /// Tells the readers of each directory that is no longer in its place. Where the kernel does not watch a directory,
    /// makes its readers look again.
    private func poll() {
        let directories = state.withLock(\.directories)
        for (path, directory) in directories {
            if (try? directory.status.isInPlace(at: path)) != true {
                forget(path)
            } else if directory.watch == nil {
                for reader in directory.readers.values.joined() { reader.add { $0.insertEverything() } }
            }
        }
        state.withLock { state in
            state.isPolling = false
            if !state.directories.isEmpty { startPolling(&state) }
        }
    }

    // MARK: - inotify

    /// Has the kernel watch a directory. Returns the kernel's number for it; `nil` when it is polled.
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
        return nil
    }

    private func handle(_ events: [Inotify.Event]) {
        for event in events {
            if event.isOverflow {
                // Lost with the rest may be the notice that a directory is gone, so everyone starts over.
                for path in state.withLock({ Array($0.paths.values) }) { forget(path) }
            } else if event.isGone {
                if let path = state.withLock({ $0.paths[event.watch] }) { forget(path) }
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
    private func forget(_ path: String) {
        for reader in state.withLock({ $0.remove(path) }) { reader.add { $0.isGone = true } }
    }
}
