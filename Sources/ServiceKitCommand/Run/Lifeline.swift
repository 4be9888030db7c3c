import Glibc
import Synchronization

/// A connection that the kernel closes when this process ends, however it ends. So a child learns of the end.
///
/// `PR_SET_PDEATHSIG` is not enough: it reports the end of the thread that started the child.
final class Lifeline: Sendable {
    /// The child's end. This process closes it once the child has started.
    let childEnd: CInt
    private let ownEnd: Mutex<CInt?>

    init() throws(CommandFailure) {
        var ends: [CInt] = [-1, -1]
        // A pair of sockets: Swift lacks `pipe2`, which would hide a pipe from other children at once.
        let result = socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &ends)
        guard result == 0 else {
            throw CommandFailure(
                "cannot connect to the service's process: \(String(cString: strerror(errno))); raise the limit of open files"
            )
        }
        childEnd = ends[0]
        ownEnd = Mutex(ends[1])
    }

    /// Tells the child that it may end the remaining processes.
    func close() {
        ownEnd.withLock { end in
            if let descriptor = end.take() { _ = Glibc.close(descriptor) }
        }
    }

    deinit { close() }
}
