import Glibc

/// What a file is.
package struct FileStatus {
    /// Which file it is, whatever it is called and holds.
    struct Identity: Hashable {
        let device: UInt64
        let number: UInt64
    }

    /// A file with certain contents.
    package struct Version: Hashable {
        let identity: Identity
        let size: Int64
        let modifiedSeconds: Int
        let modifiedNanoseconds: Int
    }

    package let version: Version
    package let isRegular: Bool
    package let isDirectory: Bool
    let owner: UInt32
    let permissions: UInt32

    var identity: Identity { version.identity }

    init(_ status: stat) {
        let modified = status.st_mtim
        version = Version(
            identity: Identity(device: UInt64(truncatingIfNeeded: status.st_dev), number: UInt64(status.st_ino)),
            size: Int64(status.st_size),
            modifiedSeconds: modified.tv_sec,
            modifiedNanoseconds: modified.tv_nsec
        )
        isRegular = status.st_mode & S_IFMT == S_IFREG
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
        owner = status.st_uid
        permissions = UInt32(status.st_mode & 0o7777)
    }

    /// What a path itself names, not following a symbolic link; `nil` when nothing is there.
    package static func ofLink(_ path: String) throws(SystemError) -> FileStatus? {
        var result = stat()
        guard lstat(path, &result) == 0 else {
            if errno == ENOENT { return nil }
            throw SystemError("examine", path)
        }
        return FileStatus(result)
    }

    /// Whether a path leads to a directory.
    static func isDirectory(_ path: String) -> Bool {
        var result = stat()
        return stat(path, &result) == 0 && FileStatus(result).isDirectory
    }
}
