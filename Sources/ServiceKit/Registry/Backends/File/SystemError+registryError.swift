import Glibc

extension SystemError {
    /// The error for callers of the registry, with the remedy.
    var registryError: RegistryError {
        let code: RegistryError.Code =
            if isRefusal {
                .permissionDenied
            } else if isImpossible {
                .misconfigured
            } else {
                isAbsence ? .lost : .unavailable
            }
        return RegistryError(code: code, message: "file registry: \(self)" + (remedy.map { "; \($0)" } ?? ""))
    }

    /// Whether the call fails for every user and at any time.
    private var isImpossible: Bool {
        [ENOTDIR, EEXIST, ELOOP, ENAMETOOLONG].contains(number) || isAbsence && action == "create directory"
    }

    private var remedy: String? {
        switch number {
        case EACCES, EPERM, EROFS: "give this user write access, or set registry.file.directory to a directory it owns"
        case ENOENT where isImpossible, ELOOP, ENAMETOOLONG: "set registry.file.directory to another directory"
        case ENOTDIR, EEXIST: "a file is in the way; remove it, or set registry.file.directory to another directory"
        case ENOSPC where action.hasPrefix("watch"): "raise the limit fs.inotify.max_user_watches"
        case ENOSPC, EDQUOT: "free some space there, or set registry.file.directory to a directory on another disk"
        // Either limit has this number.
        case EMFILE where action == "start" && path == "inotify":
            "raise the user's limit with `sysctl fs.inotify.max_user_instances`, or this process's limit of open files "
                + "(RLIMIT_NOFILE) with `ulimit -n`"
        case EMFILE: "raise this process's limit of open files (RLIMIT_NOFILE) with `ulimit -n`"
        case ENFILE: "raise the machine's limit of open files with `sysctl fs.file-max`"
        default: nil
        }
    }
}
