import Glibc

/// The file of an instance from its owner's side: open and locked.
///
/// The lock is on the file itself, so that one look at one file tells what the instance is and whether its owner lives.
/// These rules keep it sound:
/// - Whoever holds the lock of the file that the path names owns the id. Only the owner renames over the path or
///   removes it.
/// - After taking a lock one looks again whether the path still names that file; if not, the lock is worth nothing.
/// - A new version is written and locked under a temporary name before it is renamed, and the old one stays locked
///   until then. So at every moment the path names a complete file that is locked.
/// - When the process dies the kernel closes the file, which both releases the lock and tells the watchers
///   (`IN_CLOSE_WRITE`, since it is open for writing).
struct OwnedInstanceFile: Sendable {
    let place: InstanceFile
    private var file: OpenFile
    /// What was written, to notice when someone writes over it.
    private var version: FileStatus.Version

    /// Takes possession of an id: creates its file, or takes over what a dead owner left. The file is then empty or
    /// still the leftover, until ``publish(_:)``.
    ///
    /// - Returns: `nil` when someone has the lock: another owner, or for a moment someone who is cleaning up.
    static func claim(_ place: InstanceFile) throws(SystemError) -> OwnedInstanceFile? {
        try claim(place, OpenFile(place.path, .claiming))
    }

    /// Takes possession of an id whose file is open already.
    static func claim(_ place: InstanceFile, _ file: OpenFile) throws(SystemError) -> OwnedInstanceFile? {
        guard try file.lock() else { return nil }
        let status = try file.status()
        guard status.isRegular else { throw SystemError("use", place.path, number: EEXIST) }
        guard try FileStatus.ofLink(place.path)?.identity == status.identity else { return nil }
        return OwnedInstanceFile(place: place, file: file, version: status.version)
    }

    /// Writes a version of the instance, which replaces the last in one step.
    mutating func publish(_ instance: ServiceInstance) throws(SystemError) {
        let contents = try InstanceFile.contents(for: instance)
        let new = try Self.temporaryFile(in: place.directory)
        do throws(SystemError) {
            try new.write(contents)
            let written = try new.status().version
            guard rename(new.path, place.path) == 0 else { throw SystemError("replace", place.path) }
            file = new
            version = written
        } catch {
            _ = unlink(new.path)
            throw error
        }
    }

    /// A new file, locked.
    private static func temporaryFile(in directory: String) throws(SystemError) -> OpenFile {
        // Before it is locked, someone who cleans up may take it for a leftover. That this happens again and again is
        // beyond belief.
        for _ in 0..<64 {
            let new = try OpenFile("\(directory)/\(TemporaryName.random())", .new)
            if try new.lock(), try FileStatus.ofLink(new.path)?.identity == new.status().identity { return new }
        }
        throw SystemError("keep a new file in", directory, number: EAGAIN)
    }

    /// Whether the path still names the file that was written, unchanged.
    func isIntact() throws(SystemError) -> Bool {
        try FileStatus.ofLink(place.path)?.version == version
    }

    /// Whether the path still names this file, with whatever contents.
    func isInPlace() throws(SystemError) -> Bool {
        try FileStatus.ofLink(place.path)?.identity == version.identity
    }

    /// Removes the file, unless the path names another one.
    func remove() throws(SystemError) {
        guard try isInPlace() else { return }
        guard unlink(place.path) == 0 || errno == ENOENT else { throw SystemError("remove", place.path) }
    }
}

/// The names of files that are about to be renamed.
enum TemporaryName {
    static func random() -> String {
        ".\(String(UInt64.random(in: 0...UInt64.max), radix: 16)).tmp"
    }

    static func matches(_ name: String) -> Bool {
        name.hasPrefix(".") && name.hasSuffix(".tmp")
    }
}

/// Removes what dead owners left.
enum Leftover {
    /// Removes a file if it has no owner and the path still names it. Nothing happens where access is refused.
    ///
    /// - Returns: Whether it is gone.
    @discardableResult
    static func remove(_ path: String, _ version: FileStatus.Version) -> Bool {
        guard let file = try? OpenFile(path, .locking) else { return false }
        // It stays open, and so locked, until it is gone.
        return withExtendedLifetime(file) {
            guard (try? file.lock()) == true,
                let found = try? file.status(), found.version == version,
                let named = try? FileStatus.ofLink(path), named.identity == version.identity
            else { return false }
            return unlink(path) == 0
        }
    }
}
