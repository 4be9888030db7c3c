import Glibc
import Synchronization

/// A connection that the kernel closes when this process ends, however it ends: by it a child learns of that.
///
/// `PR_SET_PDEATHSIG` would not do: it tells of the end of the thread that made the child.
final class Lifeline: Sendable {
    /// For the child; closed here when the child has been started.
    let childEnd: CInt
    private let ownEnd: Mutex<CInt?>

    init() throws(CommandFailure) {
        var ends: [CInt] = [-1, -1]
        // A pair of sockets: Swift does not see `pipe2`, which would keep a pipe at once from other children.
        let result = socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &ends)
        guard result == 0 else {
            throw CommandFailure(
                "cannot connect to the service's process: \(String(cString: strerror(errno))); raise the limit of open files"
            )
        }
        childEnd = ends[0]
        ownEnd = Mutex(ends[1])
    }

    /// Lets the child know that it may end what is left.
    func close() {
        ownEnd.withLock { end in
            if let descriptor = end.take() { _ = closeDescriptor(descriptor) }
        }
    }

    deinit { close() }
}

/// The system's `close`, which the method of that name hides.
private func closeDescriptor(_ descriptor: CInt) -> CInt {
    close(descriptor)
}
