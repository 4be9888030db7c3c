import Glibc
import ServiceKit

/// Which source files there are, and in which version each.
struct SourceSnapshot: Hashable {
    /// The most files that are looked at; beyond them changes are not seen.
    static let maximumFiles = 20_000

    private var files: [String: FileStatus] = [:]
    /// The directories that were looked at, for those who want to be told of changes in them.
    private(set) var directories: Set<String> = []

    static func == (one: SourceSnapshot, other: SourceSnapshot) -> Bool { one.files == other.files }

    func hash(into hasher: inout Hasher) { hasher.combine(files) }

    /// Looks at files and directories, and everything below those. Links below are not followed.
    init(of roots: [String]) {
        for root in roots { look(at: Self.resolved(root)) }
    }

    private mutating func look(at path: String) {
        guard files.count < Self.maximumFiles, directories.count < Self.maximumFiles else { return }
        // What is gone by now is gone.
        guard let status = try? FileStatus.ofLink(path) else { return }
        if status.isRegular {
            files[path] = status
        } else if status.isDirectory, directories.insert(path).inserted {
            let names = (try? DirectoryNames.read(path)) ?? []
            for name in names where Self.isSource(name) { look(at: "\(path)/\(name)") }
        }
    }

    /// Whether a name in a directory can be a source: neither hidden nor what an editor leaves while it saves.
    static func isSource(_ name: String) -> Bool {
        if name.hasPrefix(".") || name.hasPrefix("#") || name.hasSuffix("~") { return false }
        // Vim tries whether it may create a file of this name.
        if name == "4913" { return false }
        return ![".swp", ".swx", ".tmp", ".bak", "___jb_tmp___", "___jb_old___"].contains { name.hasSuffix($0) }
    }

    private static func resolved(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
