import Glibc

/// Writes a tree of files all at once or not at all.
///
/// The files are written to a directory of their own, on the same file system, and moved when all of them are there. Whatever goes wrong, the cancellation of the task included, is undone.
struct TreeWriter: Sendable {
    /// The directory that is to hold the files.
    let directory: String
    /// Whether a directory that holds something already may be written to.
    var allowsExisting = false

    /// Writes the files.
    ///
    /// - Parameters:
    ///   - tree: The files.
    ///   - finish: Does more in the new directory before it is moved to its place.
    /// - Throws: `CommandFailure` when something cannot be written; `CancellationError`.
    func write(_ tree: FileTree, finish: (_ directory: String) async throws -> Void = { _ in }) async throws {
        try check()
        let isThere = FileSystemTree.kind(of: directory) == .directory
        let parent = isThere ? directory : Self.parent(of: directory)
        let created = try createDirectories(parent)
        var isDone = false
        defer { if !isDone { for path in created.reversed() { rmdir(path) } } }

        let scratch = "\(parent)/.kit-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        let (new, old) = (scratch + "/new", scratch + "/old")
        defer { FileSystemTree.remove(scratch) }
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

    /// Refuses a place where the files cannot be, before anything is written.
    func check() throws {
        switch FileSystemTree.kind(of: directory) {
        case .none: break
        case .directory:
            if !allowsExisting, try !FileSystemTree.entries(of: directory).isEmpty {
                throw CommandFailure(
                    "\(directory) is there already and not empty; take another --path, or --force to write into it"
                )
            }
        case .other:
            throw CommandFailure("\(directory) is there already and is no directory; take another --path")
        }
    }

    private static func parent(of path: String) -> String {
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        return path.hasPrefix("/") ? "/" + parent : parent.isEmpty ? "." : parent
    }

    /// Creates the directories that a path needs.
    ///
    /// - Returns: Those that were not there.
    private func createDirectories(_ path: String) throws -> [String] {
        var created: [String] = []
        var current = path.hasPrefix("/") ? "" : "."
        do {
            for part in path.split(separator: "/") {
                current += "/" + part
                switch FileSystemTree.kind(of: current) {
                case .directory: continue
                case .other: throw CommandFailure("\(current) is no directory; take another --path")
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
        let path = "\(root)/\(file.path)"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure("write \(file.path)", errno) }
        var offset = 0
        while offset < file.bytes.count {
            // Safe: the buffer is valid during the call, and `write` reads no more than its count.
            let (count, code) = file.bytes[offset...].withUnsafeBytes {
                (Glibc.write(descriptor, $0.baseAddress, $0.count), errno)
            }
            if count < 0, code == EINTR { continue }
            guard count > 0 else {
                close(descriptor)
                throw failure("write \(file.path)", count < 0 ? code : ENOSPC)
            }
            offset += count
        }
        // Some file systems say only now that there was no room.
        guard close(descriptor) == 0 else { throw failure("write \(file.path)", errno) }
    }

    private func failure(_ action: String, _ code: Int32) -> CommandFailure {
        let remedy =
            switch code {
            case EACCES, EPERM, EROFS: "take another --path, or let yourself write there"
            case ENOSPC, EDQUOT: "make room, or take another --path"
            default: "take another --path"
            }
        return CommandFailure("cannot \(action): \(String(cString: strerror(code))); nothing was written; \(remedy)")
    }

    /// Moves of files that can be undone.
    private struct Moves {
        /// Where what is replaced is kept.
        let old: String
        private var done: [(from: String, to: String)] = []

        init(old: String) {
            self.old = old
        }

        /// Moves a file or directory; of a directory that is there already the entries, one by one.
        mutating func move(_ source: String, to destination: String) throws {
            let kinds = (FileSystemTree.kind(of: source), FileSystemTree.kind(of: destination))
            switch kinds {
            case (_, .none): break
            case (.directory, .directory):
                for name in try FileSystemTree.entries(of: source).sorted() {
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
                // There is nothing to be done about a failure here.
                try? FileSystemTree.rename(to, to: from)
            }
            done = []
        }
    }
}

/// Questions about files, and their removal.
enum FileSystemTree {
    enum Kind { case none, directory, other }

    /// What is at a path; a link counts as what it points to.
    static func kind(of path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return lstat(path, &status) == 0 ? .other : .none }
        return status.st_mode & S_IFMT == S_IFDIR ? .directory : .other
    }

    /// The names in a directory.
    static func entries(of path: String) throws -> [String] {
        guard let directory = opendir(path) else {
            throw CommandFailure("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            // Safe: the name is a C string inside of the entry, which is valid until the next call.
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                let capacity = MemoryLayout.size(ofValue: $0.pointee)
                return $0.withMemoryRebound(to: CChar.self, capacity: capacity) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Moves a file or directory, in place of a file that is there.
    static func rename(_ source: String, to destination: String) throws {
        guard Glibc.rename(source, destination) == 0 else {
            throw CommandFailure("cannot move a file to \(destination): \(String(cString: strerror(errno)))")
        }
    }

    /// Removes a file or a directory with all that is in it; links are not followed.
    static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in (try? entries(of: path)) ?? [] { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
