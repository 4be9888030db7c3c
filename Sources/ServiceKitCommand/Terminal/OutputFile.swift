import Glibc
import SystemPackage

/// A file that a command writes as a whole: readers see the earlier contents or the new ones, and a failure leaves the
/// earlier ones.
///
/// A symbolic link stays; its target is written. Something else than a regular file, such as a pipe or a device, is refused
/// before it is opened.
struct OutputFile {
    /// The file's path as the user gave it, for messages.
    let path: String
    /// The path behind all links.
    private let target: String
    /// The owner and the mode of the file that is there.
    private let status: stat?

    private static let maximumLinks = 40

    /// Looks at what is at the path. Throws `CommandFailure` when no file can be there.
    init(_ path: String) throws(CommandFailure) {
        try Self.checkName(path)
        self.path = path
        var target = FilePath(path)
        var status = stat()
        var links = 0
        while lstat(target.string, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
            links += 1
            guard links <= Self.maximumLinks, let link = Self.link(target) else {
                throw CommandFailure("\(path) is a symbolic link that leads nowhere; name another file")
            }
            target = target.removingLastComponent().pushing(link)
        }
        self.target = target.string
        guard lstat(target.string, &status) == 0 else {
            guard errno == ENOENT else { throw Self.failure(path, Errno(rawValue: errno)) }
            self.status = nil
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: self.status = status
        case S_IFDIR: throw CommandFailure("\(path) is a directory; name a file in it")
        default: throw CommandFailure("\(path) is no regular file; name another file, or none for standard output")
        }
    }

    /// Refuses a path that names no file. Throws `CommandFailure`.
    static func checkName(_ path: String) throws(CommandFailure) {
        if path.isEmpty { throw CommandFailure("the name of the file is empty; name a file, or - for standard output") }
        if path.hasSuffix("/") { throw CommandFailure("\(path) names a directory; name a file in it") }
    }

    private static func link(_ path: FilePath) -> FilePath? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path.string, &buffer, buffer.count)
        guard count > 0, count < buffer.count else { return nil }
        return FilePath(String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    var exists: Bool { status != nil }

    /// Whether the file has these contents already.
    func has(_ bytes: [UInt8]) -> Bool {
        guard let status, status.st_size == bytes.count, let file = try? FileDescriptor.open(target, .readOnly) else {
            return false
        }
        defer { try? file.close() }
        var found = [UInt8](repeating: 0, count: bytes.count)
        var count = 0
        while count < found.count {
            let read = found.withUnsafeMutableBytes { buffer in
                (try? file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))) ?? 0
            }
            if read == 0 { return false }
            count += read
        }
        return found == bytes
    }

    /// Writes the contents in one step. An existing file keeps its owner and its mode; a new one is for its owner alone.
    /// Throws `CommandFailure`.
    func write(_ bytes: [UInt8]) throws(CommandFailure) {
        let place = FilePath(target)
        let name = place.lastComponent?.string ?? ""
        let temporary = place.removingLastComponent().appending(".\(name).\(UInt64.random(in: 0 ... .max))")
        do throws(Errno) {
            try Self.create(temporary, bytes, status)
            if rename(temporary.string, target) != 0 {
                let code = Errno(rawValue: errno)
                unlink(temporary.string)
                throw code
            }
        } catch {
            throw Self.failure(path, error)
        }
    }

    private static func create(_ path: FilePath, _ bytes: [UInt8], _ status: stat?) throws(Errno) {
        let code: Errno
        do {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
            do {
                try file.closeAfter {
                    if let status {
                        // Only root may give a file away. The mode comes after it, since a change of owner may reset it.
                        _ = fchown(file.rawValue, status.st_uid, status.st_gid)
                        guard fchmod(file.rawValue, status.st_mode & 0o7777) == 0 else { throw Errno(rawValue: errno) }
                    }
                    try file.writeAll(bytes)
                    guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
                }
                return
            } catch {
                unlink(path.string)
                throw error
            }
        } catch {
            code = error as? Errno ?? .ioError
        }
        throw code
    }

    /// The failure to write at a path.
    static func failure(_ path: String, _ code: Errno) -> CommandFailure {
        let cause =
            switch code {
            case .noSuchFileOrDirectory: "its directory does not exist; create it"
            case .notDirectory: "a part of its path is no directory"
            case .permissionDenied, .notPermitted, .readOnlyFileSystem: "\(code); name a place where you may write"
            case .noSpace: "\(code); free some"
            default: "\(code)"
            }
        return CommandFailure("\(path) cannot be written: \(cause)")
    }
}
