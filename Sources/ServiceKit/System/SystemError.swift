import Glibc

/// A system call on a path that failed.
package struct SystemError: Error, CustomStringConvertible {
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

    package var description: String {
        // The text of a known number is a constant, so another thread does not change it.
        let cause = strerror(number).map { String(cString: $0) } ?? "error \(number)"
        return "cannot \(action) \(path): \(cause)"
    }
}
