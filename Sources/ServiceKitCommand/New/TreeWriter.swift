import FoundationEssentials
import Glibc
import ServiceKit

/// Writes a tree of files: all of them or none.
///
/// The files are first written to a directory of their own on the same file system, and then moved. Every failure is
/// undone, and so is the cancellation of the task.
struct TreeWriter: Sendable {
    /// The target directory.
    let directory: String
    /// Whether the target directory may contain files already.
    var allowsExisting = false

    /// Writes the files. `finish` does further work in the new directory before it is moved. Throws `CommandFailure`
    /// when a file cannot be written; `CancellationError`.
    func write(_ tree: FileTree, finish: (_ directory: String) async throws -> Void = { _ in }) async throws {
        try check()
        let isThere = FileSystemTree.kind(of: directory) == .directory
        let parent = isThere ? directory : Self.parent(of: directory)
        let created = try createDirectories(parent)
        var isDone = false
        defer { if !isDone { for path in created.reversed() { rmdir(path) } } }

        let scratch = "\(parent)/.kit-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        let (new, old) = (scratch + "/new", scratch + "/old")
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        try create(scratch)
        try create(new)
        try create(old)
        for file in tree.files {
            try Task.checkCancellation()
            try write(file, below: new)
        }
        try await finish(new)
        try Task.checkCancellation()

        var moves = Moves(old: old)
        do {
            try moves.move(new, to: directory)
        } catch {
            moves.undo()
            throw error
        }
        isDone = true
    }

    /// Refuses an impossible target directory, before any file is written.
    func check() throws {
        switch FileSystemTree.kind(of: directory) {
        case .none: break
        case .directory:
            if !allowsExisting, try DirectoryNames.read(directory)?.isEmpty == false {
                throw CommandFailure(
                    "\(directory) exists and is not empty; use another --path, or --force to write into it"
                )
            }
        case .other:
            throw CommandFailure("\(directory) exists and is not a directory; use another --path")
        }
    }

    private static func parent(of path: String) -> String {
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        return path.hasPrefix("/") ? "/" + parent : parent.isEmpty ? "." : parent
    }

    /// Creates the missing directories of a path, and returns them.
    private func createDirectories(_ path: String) throws -> [String] {
        var created: [String] = []
        var current = path.hasPrefix("/") ? "" : "."
        do {
            for part in path.split(separator: "/") {
                current += "/" + part
                switch FileSystemTree.kind(of: current) {
                case .directory: continue
                case .other: throw CommandFailure("\(current) is not a directory; use another --path")
                case .none:
                    try create(current)
                    created.append(current)
                }
            }
        } catch {
            for path in created.reversed() { rmdir(path) }
            throw error
        }
        return created
    }

    private func create(_ path: String) throws {
        guard mkdir(path, 0o777) == 0 else { throw failure("create \(path)", errno) }
    }

    private func write(_ file: FileTree.File, below root: String) throws {
        var current = root
        for part in file.path.split(separator: "/").dropLast() {
            current += "/" + part
            if mkdir(current, 0o777) != 0, errno != EEXIST { throw failure("create \(current)", errno) }
        }
        // Exclusively, and closed in programs that this one starts.
        guard let stream = fopen("\(root)/\(file.path)", "wxe") else { throw failure("write \(file.path)", errno) }
        let count = fwrite(file.bytes, 1, file.bytes.count, stream)
        let code = errno
        // Some file systems report a full disk only at this point.
        guard fclose(stream) == 0 else { throw failure("write \(file.path)", errno) }
        guard count == file.bytes.count else { throw failure("write \(file.path)", code) }
    }

    private func failure(_ action: String, _ code: Int32) -> CommandFailure {
        let remedy =
            switch code {
            case EACCES, EPERM, EROFS: "use another --path, or get the right to write there"
            case ENOSPC, EDQUOT: "free space, or use another --path"
            default: "use another --path"
            }
        return CommandFailure("cannot \(action): \(String(cString: strerror(code))); nothing was written; \(remedy)")
    }

    /// Moves of files, which can be undone.
    private struct Moves {
        /// The directory that keeps the replaced files.
        let old: String
        private var done: [(from: String, to: String)] = []

        init(old: String) {
            self.old = old
        }

        /// Moves a file or a directory. If the target directory exists, moves the entries one by one.
        mutating func move(_ source: String, to destination: String) throws {
            let kinds = (FileSystemTree.kind(of: source), FileSystemTree.kind(of: destination))
            switch kinds {
            case (_, .none): break
            case (.directory, .directory):
                for name in try (DirectoryNames.read(source) ?? []).sorted() {
                    try move("\(source)/\(name)", to: "\(destination)/\(name)")
                }
                return
            case (.other, .other): try rename(destination, "\(old)/\(done.count)")
            default:
                throw CommandFailure(
                    "\(destination) is in the way: one is a file, the other a directory; nothing was written"
                )
            }
            try rename(source, destination)
        }

        private mutating func rename(_ source: String, _ destination: String) throws {
            try FileSystemTree.rename(source, to: destination)
            done.append((source, destination))
        }

        mutating func undo() {
            for (from, to) in done.reversed() {
                // A failure of this step has no remedy.
                try? FileSystemTree.rename(to, to: from)
            }
            done = []
        }
    }
}

/// Looks at files, and moves them.
enum FileSystemTree {
    enum Kind { case none, directory, other }

    /// The kind of a path's target. A link counts as its target.
    static func kind(of path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return lstat(path, &status) == 0 ? .other : .none }
        return status.st_mode & S_IFMT == S_IFDIR ? .directory : .other
    }

    /// Moves a file or directory, and replaces a file at the destination.
    static func rename(_ source: String, to destination: String) throws {
        guard Glibc.rename(source, destination) == 0 else {
            throw CommandFailure("cannot move a file to \(destination): \(String(cString: strerror(errno)))")
        }
    }
}
