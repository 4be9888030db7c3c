import Glibc
import NIOPosix

/// Ends this process when its standard input ends.
///
/// Whoever starts a process of a benchmark holds the other end of its input; when that process dies, however it does,
/// this one does not stay behind.
public func exitAtEndOfStandardInput() {
    // On a thread that may block: those of Swift's pool and of the event loops are being measured.
    NIOThreadPool.singleton.submit { _ in
        // Not by the C library's stream, which would be locked as long as there is nothing to read: whoever flushes all
        // streams waits for that lock.
        var bytes = [UInt8](repeating: 0, count: 256)
        while read(STDIN_FILENO, &bytes, bytes.count) > 0 {}
        exit(EXIT_FAILURE)
    }
}
