import Glibc
import NIOPosix

/// Ends this process when its standard input ends.
///
/// The process that starts a process of a benchmark holds the other end of its input. When the starter dies, in
/// whatever way, the started process ends too.
public func exitAtEndOfStandardInput() {
    // On a thread that may block: the threads of Swift's pool and of the event loops are being measured.
    NIOThreadPool.singleton.submit { _ in
        // Not by the C library's stream: a read locks the stream as long as there is no input, and a thread that
        // flushes all streams waits for that lock.
        var bytes = [UInt8](repeating: 0, count: 256)
        while read(STDIN_FILENO, &bytes, bytes.count) > 0 {}
        exit(EXIT_FAILURE)
    }
}
