import Glibc

/// An open file. It is closed when the last reference goes, and its lock goes with it.
///
/// Opening never follows a symbolic link and never waits for the other end of a pipe. Programs started from this one do
/// not inherit the file, since they would keep its lock alive.
final class OpenFile: Sendable {
    let path: String
    private let descriptor: CInt

    /// Opens a file, with the flags of open(2). Closing a file that was open for writing wakes the watchers of its
    /// directory.
    init(_ path: String, _ flags: CInt) throws(SystemError) {
        let descriptor = retrying { open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644) }
        guard descriptor >= 0 else { throw SystemError("open", path) }
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        // Not repeated after an interruption: the descriptor is gone nevertheless, and may be another file's by then.
        _ = close(descriptor)
    }

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
            let count = retrying { pread(descriptor, &buffer, buffer.count, contents.count) }
            guard count >= 0 else { throw SystemError("read", path) }
            guard count > 0 else { return contents }
            contents += buffer.prefix(count)
        }
        return nil
    }

    /// Writes at the beginning of the file.
    func write(_ contents: [UInt8]) throws(SystemError) {
        var rest = contents[...]
        while !rest.isEmpty {
            let count = retrying {
                rest.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, rest.startIndex) }
            }
            guard count >= 0 else { throw SystemError("write", path) }
            rest = rest.dropFirst(count)
        }
    }

    // MARK: - The lock

    // An exclusive lock of the open file description (fcntl(2), "F_OFD_SETLK"), which the kernel releases when that is
    // closed, however that comes. It can be tested without being taken, so a reader never stands in an owner's way. The
    // numbers are the same on every architecture; Swift's view of the C library leaves the names out.
    private static let getLock: CInt = 36
    private static let setLock: CInt = 37

    /// Takes the lock, which says that the file has an owner. Returns whether the lock was free.
    func lock() throws(SystemError) -> Bool {
        var lock = Self.wholeFile(F_WRLCK)
        if retrying({ fcntl(descriptor, Self.setLock, &lock) }) == 0 { return true }
        if errno == EAGAIN || errno == EACCES { return false }
        throw SystemError("lock", path)
    }

    /// Whether the lock is held through another opening of the file, in this process or another.
    func isLocked() throws(SystemError) -> Bool {
        var lock = Self.wholeFile(F_RDLCK)
        if retrying({ fcntl(descriptor, Self.getLock, &lock) }) == 0 { return lock.l_type != CShort(F_UNLCK) }
        throw SystemError("test the lock of", path)
    }

    private static func wholeFile(_ type: some BinaryInteger) -> flock {
        var lock = flock()
        lock.l_type = CShort(type)
        lock.l_whence = CShort(SEEK_SET)
        return lock
    }
}

/// Repeats a system call that a signal interrupted.
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
