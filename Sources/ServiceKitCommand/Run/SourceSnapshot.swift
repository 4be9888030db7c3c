import FoundationEssentials
import ServiceKit

/// The source files, with the version of each.
struct SourceSnapshot: Hashable {
    /// The largest number of files. Changes of further files are not seen.
    static let maximumFiles = 20_000

    private var files: [String: FileStatus] = [:]
    /// The directories on the way, to watch for changes.
    private(set) var directories: Set<String> = []

    static func == (one: SourceSnapshot, other: SourceSnapshot) -> Bool { one.files == other.files }

    func hash(into hasher: inout Hasher) { hasher.combine(files) }

    /// Reads files and directories, with all files below. Links below are not followed.
    init(of roots: [String]) {
        for root in roots { look(at: URL(filePath: root).resolvingSymlinksInPath().path) }
    }

    private mutating func look(at path: String) {
        guard files.count < Self.maximumFiles, directories.count < Self.maximumFiles else { return }
        // A file that has gone meanwhile is left out.
        guard let status = try? FileStatus.ofLink(path) else { return }
        if status.isRegular {
            files[path] = status
        } else if status.isDirectory, directories.insert(path).inserted {
            let names = (try? DirectoryNames.read(path)) ?? []
            for name in names where Self.isSource(name) { look(at: "\(path)/\(name)") }
        }
    }

    /// Whether a name can be a source file: neither hidden nor an editor's temporary file.
    static func isSource(_ name: String) -> Bool {
        if name.hasPrefix(".") || name.hasPrefix("#") || name.hasSuffix("~") { return false }
        // Vim creates a file of this name to test the directory.
        if name == "4913" { return false }
        return ![".swp", ".swx", ".tmp", ".bak", "___jb_tmp___", "___jb_old___"].contains { name.hasSuffix($0) }
    }
}
