private import Dispatch
private import FoundationEssentials
import Glibc
internal import ServiceKitConcurrency
private import Synchronization

/// Tells that files may have changed: at once through inotify, or, where inotify cannot watch, every two seconds.
///
/// It watches the directory of each file, and of each symbolic link on the way to it. So it sees an editor that renames a
/// new file over the old one, a link that is swapped (Kubernetes swaps `..data` when a ConfigMap changes), and a file that
/// is removed and put back. It also sees that a directory on the way is moved away. It tells nothing about the contents: the
/// reader compares.
///
/// A file that a program writes in place is incomplete until the program closes it. ``reading(_:)`` tells this, so that
/// a reader never takes half a file. A renamed file is complete. Where inotify cannot watch, a file counts as complete when
/// its contents have been the same for a second.
package final class FileWatcher: Sendable {
    /// How often the reader looks where inotify cannot watch.
    private static let pollingInterval = Duration.seconds(2)
    /// How long a file that a program writes counts as incomplete. A program may keep a file open for ever.
    private let longestWriting: Duration
    private let mayUseInotify: Bool
    /// How late the kernel may note a writing: a file that is truncated is empty before its notice is there.
    private static let noticeDelay = Duration.milliseconds(20)
    /// The most symbolic links that a path may lead through. The kernel's own limit is the same.
    private static let maximumLinks = 40

    /// The directories and files on the way to the paths.
    fileprivate struct Places {
        /// The names to watch in each directory: `nil` for all, none to watch the directory's own place only.
        var names: [String: Set<String>?] = [:]
        /// The files at the ends of the paths.
        var files: Set<String> = []

        mutating func add(_ name: Substring, in directory: String) {
            guard let known = names[directory] else { return names[directory] = [String(name)] }
            names.updateValue(known?.union([String(name)]), forKey: directory)
        }
    }

    fileprivate struct State {
        var paths: [String] = []
        var inotify: Inotify?
        /// The kernel's numbers for the directories and files.
        var watches: [String: CInt] = [:]
        var directories: [CInt: (path: String, names: Set<String>?)] = [:]
        var files: [CInt: String] = [:]
        /// The files that the kernel does not watch, or that are missing.
        var unwatched: [String] = []
        /// The files that a program has written to or created, and not closed yet, with the time of the first notice.
        var unfinished: [String: ContinuousClock.Instant] = [:]
        /// How many times a program has begun to write one.
        var writings = 0
        /// Whether inotify watches everything.
        var isComplete = true

        /// When the last of the files that are being written counts as complete; `nil` when there is none.
        func endOfWriting(after limit: Duration) -> ContinuousClock.Instant? {
            files.values.compactMap { unfinished[$0] }.map { $0 + limit }.filter { $0 > .now }.max()
        }

        /// Whether no file may be incomplete without a notice of the kernel.
        var isSettled: Bool {
            isComplete || unwatched.allSatisfy { (try? FileStatus.ofLink($0))?.isSettled != false }
        }
    }

    private let state = Mutex(State())
    private let changes = Signal()

    package convenience init() { self.init(longestWriting: .seconds(10)) }

    init(longestWriting: Duration = .seconds(10), mayUseInotify: Bool = true) {
        self.longestWriting = longestWriting
        self.mayUseInotify = mayUseInotify
    }

    deinit { state.withLock(\.inotify)?.cancel() }

    /// Watches these files and directories from now on, in place of those before. They need not exist.
    package func watch(_ paths: [String]) {
        state.withLock { $0.paths = paths }
        watchAgain()
    }

    /// Whether inotify watches everything. The number of a user's inotify instances is limited.
    var isComplete: Bool { state.withLock(\.isComplete) }

    /// Watches one more file.
    func add(_ path: String) {
        let isNew = state.withLock { state in
            defer { if !state.paths.contains(path) { state.paths.append(path) } }
            return !state.paths.contains(path)
        }
        if isNew { watchAgain() }
    }

    /// Runs a body that reads the files. Returns `nil` when a program was writing one of them in place before or meanwhile:
    /// what was read may be half of it. ``wait()`` returns when the files can be read again.
    func reading<Result>(_ body: () -> Result) async -> Result? {
        guard let before = writings else { return nil }
        let result = body()
        if state.withLock({ !$0.files.isEmpty }) { try? await ContinuousClock().sleep(for: Self.noticeDelay) }
        let after = writings
        if after == before { return state.withLock(\.isSettled) ? result : nil }
        // Closed already, or no file of the reader's: the next reading may be at once.
        if after != nil { changes.raise() }
        return nil
    }

    /// How many writings have begun until now; `nil` while one goes on.
    private var writings: Int? {
        // Notices that wait count, too.
        state.withLock(\.inotify)?.drain()
        return state.withLock { $0.endOfWriting(after: longestWriting) == nil ? $0.writings : nil }
    }

    /// Waits until something may have changed since the last return, or the task is cancelled.
    package func wait() async {
        let (isComplete, endOfWriting) = state.withLock { ($0.isComplete, $0.endOfWriting(after: longestWriting)) }
        let deadlines = [isComplete ? nil : .now + Self.pollingInterval, endOfWriting].compactMap(\.self)
        await changes.wait(until: deadlines.min())
        // A link may lead elsewhere by now. Changes after this are told by the next wait.
        watchAgain()
    }

    /// Lets the next wait return at once.
    func raise() {
        changes.raise()
    }

    private func watchAgain() {
        state.withLock { state in
            if state.inotify == nil, mayUseInotify, !state.paths.isEmpty {
                state.inotify = try? Inotify(queue: DispatchQueue(label: "kit.files")) { [weak self] in self?.handle($0)
                }
            }
            var places = Places()
            for path in state.paths { Self.add(path, to: &places) }
            for (place, watch) in state.watches where places.names[place] == nil && !places.files.contains(place) {
                state.inotify?.remove(watch)
                state.watches[place] = nil
                state.unfinished[place] = nil
            }
            state.directories = [:]
            state.files = [:]
            state.unwatched = []
            state.isComplete = state.inotify != nil || state.paths.isEmpty
            for (directory, names) in places.names {
                if let watch = state.watch(directory, names?.isEmpty == true ? .place : .entries) {
                    state.directories[watch] = (directory, names)
                } else {
                    state.isComplete = false
                }
            }
            for file in places.files {
                // A missing file is seen by its directory.
                if let watch = state.watch(file, .writing) {
                    state.files[watch] = file
                } else {
                    state.unwatched.append(file)
                }
            }
        }
    }

    private func handle(_ events: [Inotify.Event]) {
        let isOurs = state.withLock { state in events.count { state.take($0) } > 0 }
        if isOurs { changes.raise() }
    }

    /// Adds the directories that have a part of a path which may change: a link, the first part that is missing, the file
    /// itself. A directory at the path is watched as a whole.
    private static func add(_ path: String, to places: inout Places) {
        let path = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        var rest = Array(path.split(separator: "/").reversed())
        var directory = "/"
        var links = 0
        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                directory = "/" + directory.split(separator: "/").dropLast().joined(separator: "/")
                continue
            }
            let place = Self.place(of: name, in: directory)
            var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let length = readlink(place, &target, target.count)
            if length > 0, links < maximumLinks {
                places.add(name, in: directory)
                links += 1
                let link = String(decoding: target[..<length], as: UTF8.self)
                if link.hasPrefix("/") { directory = "/" }
                rest += link.split(separator: "/").reversed()
            } else if length > 0 || errno != EINVAL {
                // Missing, or out of reach: it may appear here.
                if rest.isEmpty { places.files.insert(place) }
                return places.add(name, in: directory)
            } else {
                if rest.isEmpty {
                    places.add(name, in: directory)
                    if !FileStatus.isDirectory(place) { places.files.insert(place) }
                } else if places.names[place] == nil {
                    places.names[place] = []
                }
                directory = place
            }
        }
        if FileStatus.isDirectory(directory) { places.names.updateValue(nil, forKey: directory) }
    }

    fileprivate static func place(of name: some StringProtocol, in directory: String) -> String {
        directory == "/" ? "/\(name)" : "\(directory)/\(name)"
    }
}

extension FileWatcher.State {
    /// Has the kernel watch a directory or file. Returns the kernel's number for it; `nil` when it cannot.
    fileprivate mutating func watch(_ place: String, _ subject: Inotify.Subject) -> CInt? {
        let watch = try? inotify?.add(place, subject)
        // Something else is in that place by now.
        if let known = watches[place], known != watch { inotify?.remove(known) }
        watches[place] = watch
        return watch
    }

    /// Takes a notice in. Returns whether something may have changed.
    fileprivate mutating func take(_ event: Inotify.Event) -> Bool {
        if event.isOverflow { return true }
        if let file = files[event.watch] {
            if event.isWriting { beginWriting(file) }
            // Its directory tells that it is closed, too: not if the file has another name as well.
            if event.isClosed { unfinished[file] = nil }
            return event.isClosed
        }
        guard let (path, names) = directories[event.watch] else { return false }
        if event.isGone { return true }
        guard names?.contains(event.name) ?? true else { return false }
        let place = FileWatcher.place(of: event.name, in: path)
        // A new file is empty. It is complete when it is closed.
        let isNewFile = event.isCreation && (try? FileStatus.ofLink(place))?.isRegular == true
        if isNewFile { beginWriting(place) } else { unfinished[place] = nil }
        return !isNewFile
    }

    private mutating func beginWriting(_ file: String) {
        guard unfinished[file] == nil else { return }
        unfinished[file] = .now
        writings += 1
    }
}
