import Glibc

/// A system call on a path that failed.
package struct SystemError: Error {
    /// The action that failed, as in "cannot read".
    let action: String
    let path: String
    let number: CInt

    /// Describes the last system call of this thread, unless a number is given.
    init(_ action: String, _ path: String, number: CInt = errno) {
        self.action = action
        self.path = path
        self.number = number
    }

    /// Whether nothing is at the path.
    var isAbsence: Bool { number == ENOENT }

    /// Whether access is refused.
    var isRefusal: Bool { [EACCES, EPERM, EROFS].contains(number) }

    /// Whether the process or the machine has run out of something, so that the path itself is not to blame.
    var isExhaustion: Bool { [EMFILE, ENFILE, ENOMEM, ENOSPC, EDQUOT, EIO].contains(number) }

    /// Whether the call fails for every user and at any time.
    private var isImpossible: Bool {
        [ENOTDIR, EEXIST, ELOOP, ENAMETOOLONG].contains(number) || isAbsence && action == "create directory"
    }

    /// The error for callers of the registry.
    var registryError: RegistryError {
        let code: RegistryError.Code =
            if isRefusal { .permissionDenied } else if isImpossible { .misconfigured } else { .unavailable }
        return RegistryError(code: code, message: description)
    }

    private var remedy: String? {
        switch number {
        case EACCES, EPERM, EROFS: "give this user write access, or set registry.file.directory to a directory it owns"
        case ENOENT where isImpossible, ELOOP, ENAMETOOLONG: "set registry.file.directory to another directory"
        case ENOTDIR, EEXIST: "a file is in the way; remove it, or set registry.file.directory to another directory"
        case ENOSPC where action.hasPrefix("watch"): "raise the limit fs.inotify.max_user_watches"
        case ENOSPC, EDQUOT: "free some space there, or set registry.file.directory to a directory on another disk"
        case EMFILE: "raise this process's limit of open files (RLIMIT_NOFILE) with `ulimit -n`"
        case ENFILE: "raise the machine's limit of open files with `sysctl fs.file-max`"
        default: nil
        }
    }
}

extension SystemError: CustomStringConvertible {
    package var description: String {
        // The text of a known number is a constant, so another thread does not change it.
        let cause = strerror(number).map { String(cString: $0) } ?? "error \(number)"
        return "file registry: cannot \(action) \(path): \(cause)" + (remedy.map { "; \($0)" } ?? "")
    }
}
