import Glibc

/// The directory of a file registry: in it one directory per service, in that one file per instance.
///
/// ```
/// <directory>/user-service/user-1.json     the instance, locked by its owner
///                         /user-1.set      an operator's request to the owner
///                         /.0f3c….tmp      about to be renamed
/// ```
struct FileRegistryDirectory: Sendable {
    let path: String
    /// Whether the directory is this user's alone, as the default one is.
    let isPrivate: Bool

    /// A directory that was configured, shared by every user with access.
    init(path: String) {
        self.path = Self.withoutSlash(path)
        isPrivate = false
    }

    /// The default: `$XDG_RUNTIME_DIR/servicekit`, else `servicekit-<uid>` in `$TMPDIR` or `/tmp`. A variable that is
    /// no absolute path does not count (XDG Base Directory Specification).
    init(environment variable: (String) -> String?, user: UInt32 = geteuid()) {
        func directory(_ name: String) -> String? {
            variable(name).flatMap { $0.hasPrefix("/") ? Self.withoutSlash($0) : nil }
        }
        path =
            directory("XDG_RUNTIME_DIR").map { $0 + "/servicekit" }
            ?? (directory("TMPDIR") ?? "/tmp") + "/servicekit-\(user)"
        isPrivate = true
    }

    private static func withoutSlash(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    func path(of service: String) -> String {
        "\(path)/\(service)"
    }

    func file(of id: String, of service: String) -> InstanceFile {
        InstanceFile(directory: path(of: service), service: service, id: id)
    }

    /// Makes sure that the directory of a service is there.
    func create(for service: String) throws(SystemError) {
        if isPrivate {
            try Self.make(path, permissions: 0o700)
            try refuseStrangers()
        } else {
            try Self.makeWithParents(path)
        }
        try Self.make(path(of: service), permissions: 0o755)
    }

    /// Refuses a private directory that belongs to another user. Where everyone may write (`/tmp`), that user may have put
    /// it there to answer in the place of services.
    func refuseStrangers() throws(SystemError) {
        guard isPrivate, let status = try FileStatus.ofLink(path) else { return }
        guard status.isDirectory else { throw SystemError("use", path, number: ENOTDIR) }
        guard status.owner == geteuid(), status.permissions & 0o022 == 0 else {
            throw SystemError("trust", path, number: EPERM)
        }
    }

    private static func makeWithParents(_ path: String) throws(SystemError) {
        do {
            try make(path, permissions: 0o755)
        } catch  where error.isAbsence {
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { throw error }
            try makeWithParents(String(path[..<slash]))
            try make(path, permissions: 0o755)
        }
    }

    private static func make(_ path: String, permissions: mode_t) throws(SystemError) {
        if mkdir(path, permissions) == 0 { return }
        let error = SystemError("create directory", path)
        // A user who may not write above the directory may still use it.
        if !FileStatus.isDirectory(path) { throw error }
    }
}
