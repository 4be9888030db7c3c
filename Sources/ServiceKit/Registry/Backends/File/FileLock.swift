import Glibc

/// An exclusive lock on a file that the kernel releases when the last descriptor of that opening of the file is closed,
/// however that comes.
///
/// On Linux an open-file-description lock (fcntl(2), "F_OFD_SETLK"), since it can be tested without being taken: a
/// reader never stands in an owner's way. Elsewhere flock(2).
enum FileLock {
    /// Takes the lock unless it is taken.
    static func take(_ descriptor: CInt, path: String) throws(SystemError) -> Bool {
        var lock = wholeFile(CInt(F_WRLCK))
        if retrying({ fcntl(descriptor, setLock, &lock) }) == 0 { return true }
        if errno == EAGAIN || errno == EACCES { return false }
        throw SystemError("lock", path)
    }

    /// Whether the lock is taken through another opening of the file.
    static func isTaken(_ descriptor: CInt, path: String) throws(SystemError) -> Bool {
        var lock = wholeFile(CInt(F_RDLCK))
        if retrying({ fcntl(descriptor, getLock, &lock) }) == 0 { return CInt(lock.l_type) != CInt(F_UNLCK) }
        throw SystemError("test the lock of", path)
    }

    // F_OFD_GETLK and F_OFD_SETLK, which Swift's view of the C library leaves out; the same on every architecture.
    private static let getLock: CInt = 36
    private static let setLock: CInt = 37

    private static func wholeFile(_ type: CInt) -> flock {
        var lock = flock()
        lock.l_type = CShort(type)
        lock.l_whence = CShort(SEEK_SET)
        return lock
    }
}
