#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import NIOPosix

/// Ends this process when its standard input ends.
///
/// Whoever starts a process of a benchmark holds the other end of its input; when that process dies, however it does,
/// this one does not stay behind.
public func exitAtEndOfStandardInput() {
    // On a thread that may block: those of Swift's pool and of the event loops are being measured.
    NIOThreadPool.singleton.submit { _ in
        while readLine() != nil {}
        exit(EXIT_FAILURE)
    }
}
