import Glibc

/// An open file, closed when the last reference goes; its lock goes with it.
///
/// Never follows a symbolic link, never waits for the other end of a pipe, and is not inherited by programs started
/// from this one, which would keep the lock alive.
final class OpenFile: Sendable {
    /// How a file is opened.
    enum Mode {
        /// What is there, to read. Closing it tells watchers nothing.
        case reading
        /// What is there, to lock.
        case locking
        /// What is there or else a new file, to lock.
        case claiming
        /// A new file.
        case new

        fileprivate var flags: CInt {
            switch self {
            case .reading: O_RDONLY
            case .locking: O_RDWR
            case .claiming: O_RDWR | O_CREAT
            case .new: O_RDWR | O_CREAT | O_EXCL
            }
        }
    }

    let path: String
    private let descriptor: CInt

    init(_ path: String, _ mode: Mode) throws(SystemError) {
        let flags = mode.flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let descriptor = retrying { open(path, flags, 0o644) }
        guard descriptor >= 0 else { throw SystemError("open", path) }
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        // Not tried again when interrupted: the descriptor is gone all the same, and may by then be another's.
        _ = close(descriptor)
    }

    /// What the file is now.
    func status() throws(SystemError) -> FileStatus {
        var result = stat()
        guard fstat(descriptor, &result) == 0 else { throw SystemError("examine", path) }
        return FileStatus(result)
    }

    /// The whole contents, or `nil` when they are longer than the limit.
    func read(limit: Int) throws(SystemError) -> [UInt8]? {
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while contents.count <= limit {
            let count = retrying {
                buffer.withUnsafeMutableBytes { bytes in
                    // The offset is explicit, so that reading again starts at the beginning.
                    pread(descriptor, bytes.baseAddress, bytes.count, off_t(contents.count))
                }
            }
            guard count >= 0 else { throw SystemError("read", path) }
            guard count > 0 else { return contents }
            contents += buffer.prefix(count)
        }
        return nil
    }

    /// Writes at the beginning of the file.
    func write(_ contents: [UInt8]) throws(SystemError) {
        var written = 0
        while written < contents.count {
            let count = retrying {
                contents[written...].withUnsafeBytes { bytes in
                    pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(written))
                }
            }
            guard count >= 0 else { throw SystemError("write", path) }
            written += count
        }
    }

    /// Takes the lock that says that the file has an owner.
    ///
    /// - Returns: Whether it was free.
    func lock() throws(SystemError) -> Bool {
        try FileLock.take(descriptor, path: path)
    }

    /// Whether somebody, be it in this process, holds the lock through another opening of the file.
    func isLocked() throws(SystemError) -> Bool {
        try FileLock.isTaken(descriptor, path: path)
    }
}

/// Calls again what a signal interrupted.
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
