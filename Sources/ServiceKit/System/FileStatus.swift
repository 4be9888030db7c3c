import Glibc

/// The state of a file. Two equal states belong to the same file with the same contents.
package struct FileStatus: Hashable {
    private let device: UInt
    private let number: UInt
    private let size: Int
    private let modifiedSeconds: Int
    private let modifiedNanoseconds: Int
    private let mode: UInt32
    let owner: UInt32

    package var isRegular: Bool { mode & S_IFMT == S_IFREG }
    package var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
    var permissions: UInt32 { mode & 0o7777 }

    init(_ status: stat) {
        device = status.st_dev
        number = status.st_ino
        size = status.st_size
        // Seconds and nanoseconds, each a machine word. Not by their names: in a static build they belong to another module
        // than Glibc, and that cannot be imported.
        (modifiedSeconds, modifiedNanoseconds) = withUnsafeBytes(of: status.st_mtim) {
            ($0.load(as: Int.self), $0.load(fromByteOffset: MemoryLayout<Int>.size, as: Int.self))
        }
        mode = status.st_mode
        owner = status.st_uid
    }

    /// Whether the contents have been the same for a second at least, by the clock of the system. A file from a machine whose
    /// clock is ahead counts too.
    var isSettled: Bool { abs(time(nil) - modifiedSeconds) >= 2 }

    /// Whether the file is still the one at a path, even with other contents.
    func isInPlace(at path: String) throws(SystemError) -> Bool {
        guard let found = try Self.ofLink(path) else { return false }
        return found.device == device && found.number == number
    }

    /// The file at a path; `nil` when nothing is there. A symbolic link is not followed.
    package static func ofLink(_ path: String) throws(SystemError) -> FileStatus? {
        var result = stat()
        if lstat(path, &result) == 0 { return FileStatus(result) }
        if errno == ENOENT { return nil }
        throw SystemError("examine", path)
    }

    /// Whether it is certain that nothing is at a path.
    static func isAbsent(_ path: String) -> Bool {
        var result = stat()
        return lstat(path, &result) != 0 && errno == ENOENT
    }

    static func isDirectory(_ path: String) -> Bool {
        var result = stat()
        return stat(path, &result) == 0 && FileStatus(result).isDirectory
    }
}
