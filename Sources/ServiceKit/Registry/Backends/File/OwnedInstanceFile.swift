import Glibc

/// The file of an instance from its owner's side: open and locked.
///
/// The lock is on the file itself, so one look at one file tells what the instance is and whether its owner lives. These
/// rules keep it sound:
/// - The owner of an id holds the lock of the file that the path names. Only the owner renames over the path or removes
///   it.
/// - After a process has taken a lock, it checks that the path still names that file. If not, the lock is worth nothing.
/// - A new version is written and locked under a temporary name before it is renamed, and the old one stays locked
///   until then. So at every moment the path names a complete file that is locked.
/// - When the process dies, the kernel closes the file. That releases the lock and tells the watchers
///   (`IN_CLOSE_WRITE`, since the file is open for writing).
struct OwnedInstanceFile: Sendable {
    let place: InstanceFile
    private var file: OpenFile
    /// The state of the file as it was written, to notice when another process writes over it.
    private var status: FileStatus

    /// Takes possession of an id: creates its file, or takes over the file of a dead owner. Until ``publish(_:)`` the
    /// file is empty, or still the dead owner's. Returns `nil` when the lock is taken: by another owner, or for a
    /// moment by a process that is cleaning up.
    static func claim(_ place: InstanceFile) throws(SystemError) -> OwnedInstanceFile? {
        try claim(place, OpenFile(place.path, O_RDWR | O_CREAT))
    }

    /// Takes possession of an id whose file is open already.
    static func claim(_ place: InstanceFile, _ file: OpenFile) throws(SystemError) -> OwnedInstanceFile? {
        guard try file.lock() else { return nil }
        let status = try file.status()
        guard status.isRegular else { throw SystemError("use", place.path, number: EEXIST) }
        guard try status.isInPlace(at: place.path) else { return nil }
        return OwnedInstanceFile(place: place, file: file, status: status)
    }

    /// Writes a version of the instance, which replaces the last in one step.
    mutating func publish(_ instance: ServiceInstance) throws(SystemError) {
        let contents = try InstanceFile.contents(for: instance)
        let new = try TemporaryFile.create(in: place.directory)
        do throws(SystemError) {
            try new.write(contents)
            let written = try new.status()
            guard rename(new.path, place.path) == 0 else { throw SystemError("replace", place.path) }
            file = new
            status = written
        } catch {
            _ = unlink(new.path)
            throw error
        }
    }

    /// Whether the path still names the file that was written, unchanged.
    func isIntact() throws(SystemError) -> Bool {
        try FileStatus.ofLink(place.path) == status
    }

    /// Whether the path still names this file, regardless of its contents.
    func isInPlace() throws(SystemError) -> Bool {
        try status.isInPlace(at: place.path)
    }

    /// Removes the file, unless the path names another one.
    func remove() throws(SystemError) {
        guard try isInPlace() else { return }
        guard unlink(place.path) == 0 || errno == ENOENT else { throw SystemError("remove", place.path) }
    }
}

/// A file that is about to get its real name.
enum TemporaryFile {
    /// Creates a file, locked.
    static func create(in directory: String) throws(SystemError) -> OpenFile {
        // Before it is locked, a process that cleans up may take it for a leftover. It does not do so each time.
        for _ in 0..<64 {
            let name = ".\(String(UInt64.random(in: 0...UInt64.max), radix: 16)).tmp"
            let file = try OpenFile("\(directory)/\(name)", O_RDWR | O_CREAT | O_EXCL)
            if try file.lock(), try file.status().isInPlace(at: file.path) { return file }
        }
        throw SystemError("keep a new file in", directory, number: EAGAIN)
    }

    static func matches(_ name: String) -> Bool {
        name.hasPrefix(".") && name.hasSuffix(".tmp")
    }
}

enum Leftover {
    /// Removes a file that has no owner and is still as it was found. Nothing happens where access is refused. Returns
    /// whether the file is gone.
    @discardableResult
    static func remove(_ path: String, _ status: FileStatus) -> Bool {
        guard let file = try? OpenFile(path, O_RDWR) else { return false }
        // It stays open, and so locked, until it is gone.
        return withExtendedLifetime(file) {
            (try? file.lock()) == true && (try? file.status()) == status && (try? FileStatus.ofLink(path)) == status
                && unlink(path) == 0
        }
    }
}
