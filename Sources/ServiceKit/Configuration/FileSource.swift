internal import ServiceKitConcurrency
internal import ServiceKitConfig

/// Configuration files, and directories: a directory stands for its files `*.yaml`, in the order of their names.
///
/// Changes are seen at once through inotify: also those of an editor that renames, of a swapped link, of a file that is
/// removed and put back. A file that a program writes in place is read when the program closes it, or after 10 s. Where
/// inotify cannot watch, the source looks every two seconds, and reads a file that has been the same for a second.
public final class FileSource: ConfigurationSource {
    /// How long a file may be gone before the source is away, or be empty before it counts. An editor may remove or truncate
    /// a file before it writes the new one, and the kernel may tell late that it writes.
    private static let patience = Duration.milliseconds(200)

    /// `files` and the paths.
    public let name: String
    /// Always: the files were named by the user.
    public let isRequired = true
    private let paths: [String]
    let watcher: FileWatcher

    /// Creates a source of files and directories. If two of them set the same key, the later wins.
    public convenience init(_ paths: [String]) {
        self.init(paths, FileWatcher())
    }

    init(_ paths: [String], _ watcher: FileWatcher) {
        self.paths = paths
        self.watcher = watcher
        name = "files \(paths.joined(separator: ", "))"
    }

    /// Follows the files until the task is cancelled.
    public func run(report: @escaping @Sendable (ConfigurationSourceState) -> Void) async {
        var last: ConfigurationSourceState?
        while !Task.isCancelled {
            // Watched before they are read, so that no change is missed in between.
            watcher.watch(paths + ConfigurationFile.files(in: paths))
            // Half a file may be good YAML. It is read again when it is closed.
            // At the start nobody knows who writes, and nobody waits.
            var state = last == nil ? read() : await watcher.reading(read)
            if let found = state, Self.mayBeIncomplete(found, after: last) {
                try? await ContinuousClock().sleep(for: Self.patience)
                state = await watcher.reading(read)
            }
            if let state, state != last {
                report(state)
                last = state
            }
            await watcher.wait()
        }
    }

    /// Whether files are gone, or empty and were not so before.
    static func mayBeIncomplete(
        _ state: ConfigurationSourceState, after last: ConfigurationSourceState?
    ) -> Bool {
        guard case .loaded(let documents) = state else { return true }
        guard case .loaded(let earlier) = last else { return false }
        let filled = Set(earlier.lazy.filter { !$0.bytes.isEmpty }.map(\.origin))
        return documents.contains { $0.bytes.isEmpty && filled.contains($0.origin) }
    }

    /// Reads the files again.
    public func refresh() {
        watcher.raise()
    }

    private func read() -> ConfigurationSourceState {
        do {
            return .loaded(try ConfigurationFile.documents(at: paths))
        } catch {
            return .away("\(error)")
        }
    }
}
