import Glibc

/// The limits of the system that a call to it can meet.
enum SystemLimit {
    /// How many files, sockets among them, this process may have open at a time: RLIMIT_NOFILE.
    static var openFiles: UInt64 {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return UInt64(limit.rlim_cur)
    }

    /// The limit behind an error number, and the way to raise it; `nil` if there is no limit behind it.
    static func explanation(of number: CInt) -> String? {
        switch number {
        case EMFILE:
            """
            the process has as many open files as it may (RLIMIT_NOFILE, \(Self.openFiles)); raise the limit with \
            `ulimit -n`, or LimitNOFILE= of its systemd unit
            """
        case ENFILE:
            "the machine has as many open files as it may; raise the limit with `sysctl fs.file-max`"
        case ENOBUFS, ENOMEM:
            "the system has no memory left for a socket; give the machine, or the process's control group, more"
        default:
            nil
        }
    }

    /// The system's text for an error, and the limit behind it if there is one.
    static func reason(of number: CInt) -> String {
        let reason = String(cString: strerror(number))
        return Self.explanation(of: number).map { "\(reason): \($0)" } ?? reason
    }
}
