private import Dispatch
private import FoundationEssentials
import Glibc
internal import ServiceKitConcurrency
private import Synchronization

/// Tells that files may have changed: at once through inotify, or, where inotify cannot watch, every two seconds.
///
/// It watches the directory of each file, and of each symbolic link on the way to it. So it sees an editor that renames a
/// new file over the old one, a link that is swapped (Kubernetes swaps `..data` when a ConfigMap changes), and a file that
/// is removed and put back. It tells nothing about the contents: the reader compares.
final class FileWatcher: Sendable {
    /// How often the reader looks where inotify cannot watch.
    private static let pollingInterval = Duration.seconds(2)
    /// The most symbolic links that a path may lead through. The kernel's own limit is the same.
    private static let maximumLinks = 40

    /// The names to watch in each directory; `nil` for all.
    private typealias Names = [String: Set<String>?]

    private struct State {
        var paths: [String] = []
        var inotify: Inotify?
        var watches: [String: CInt] = [:]
        var directories: [CInt: (path: String, names: Set<String>?)] = [:]
        /// Whether inotify watches everything.
        var isComplete = true
    }

    private let state = Mutex(State())
    private let changes = Signal()

    deinit { state.withLock(\.inotify)?.cancel() }

    /// Watches these files and directories from now on, in place of those before. They need not exist.
    func watch(_ paths: [String]) {
        state.withLock { $0.paths = paths }
        watchAgain()
    }

    /// Waits until something may have changed since the last return, or the task is cancelled.
    func wait() async {
        let isComplete = state.withLock(\.isComplete)
        await changes.wait(until: isComplete ? nil : .now + Self.pollingInterval)
        // A link may lead elsewhere by now. Changes after this are told by the next wait.
        watchAgain()
    }

    /// Lets the next wait return at once.
    func raise() {
        changes.raise()
    }

    private func watchAgain() {
        state.withLock { state in
            if state.inotify == nil, !state.paths.isEmpty {
                state.inotify = try? Inotify(queue: DispatchQueue(label: "kit.files")) { [weak self] in self?.handle($0)
                }
            }
            var names: Names = [:]
            for path in state.paths { Self.addDirectories(of: path, to: &names) }
            for (directory, watch) in state.watches where names[directory] == nil {
                state.inotify?.remove(watch)
                state.watches[directory] = nil
            }
            state.directories = [:]
            state.isComplete = state.inotify != nil || state.paths.isEmpty
            for (directory, names) in names {
                if let watch = try? state.inotify?.add(directory, seesCreation: true) {
                    state.watches[directory] = watch
                    state.directories[watch] = (directory, names)
                } else {
                    state.isComplete = false
                }
            }
        }
    }

    private func handle(_ events: [Inotify.Event]) {
        let isOurs = state.withLock { state in
            events.contains { event in
                if event.isOverflow { return true }
                guard let (path, names) = state.directories[event.watch] else { return false }
                if event.isGone { return true }
                guard names?.contains(event.name) ?? true else { return false }
                // A new file is empty. It is complete when it is closed.
                return !event.isCreation || (try? FileStatus.ofLink("\(path)/\(event.name)"))?.isRegular != true
            }
        }
        if isOurs { changes.raise() }
    }

    /// Adds the directories that have a part of a path which may change: a link, the first part that is missing, the file
    /// itself. A directory at the path is watched as a whole.
    private static func addDirectories(of path: String, to names: inout Names) {
        let path = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        var rest = Array(path.split(separator: "/").reversed())
        var directory = ""
        var links = 0
        func add(_ name: Substring) {
            let place = directory.isEmpty ? "/" : directory
            if let known = names[place] {
                names.updateValue(known?.union([String(name)]), forKey: place)
            } else {
                names.updateValue([String(name)], forKey: place)
            }
        }
        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                directory = directory.split(separator: "/").dropLast().map { "/" + $0 }.joined()
                continue
            }
            let place = "\(directory)/\(name)"
            var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let length = readlink(place, &target, target.count)
            if length > 0, links < maximumLinks {
                add(name)
                links += 1
                let link = String(decoding: target[..<length], as: UTF8.self)
                if link.hasPrefix("/") { directory = "" }
                rest += link.split(separator: "/").reversed()
            } else if length > 0 || errno != EINVAL {
                // Missing, or out of reach: it may appear here.
                return add(name)
            } else {
                if rest.isEmpty { add(name) }
                directory = place
            }
        }
        if FileStatus.isDirectory(directory) { names.updateValue(nil, forKey: directory) }
    }
}
