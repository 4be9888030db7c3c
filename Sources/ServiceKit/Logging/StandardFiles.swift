private import Glibc

/// Standard input, output and error, of which a process may have been started without some (`2>&-`).
///
/// Then something else gets the number of the closed file, and log lines would be written into that.
package enum StandardFiles {
    /// Opens those of them that are closed on `/dev/null`. Call it first in a main, before sockets are opened.
    package static func open() {
        for file in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(file, F_GETFD) == -1 {
            // It gets the lowest free number, which is that of the closed file.
            _ = systemOpen("/dev/null", file == STDIN_FILENO ? O_RDONLY : O_WRONLY)
        }
    }

    /// Where to write for a standard file: the file itself, or `/dev/null` when its number belongs to something else.
    /// Before a main begins, the runtime may have opened an event queue, which has no file's type.
    static func descriptor(_ file: CInt) -> CInt {
        isFile(file) ? file : systemOpen("/dev/null", O_WRONLY | O_CLOEXEC)
    }

    /// Whether a number belongs to an open file, pipe, socket or terminal.
    static func isFile(_ descriptor: CInt) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT != 0
    }
}

/// The system's `open`, which the function of that name hides.
private func systemOpen(_ path: String, _ flags: CInt) -> CInt {
    open(path, flags)
}
