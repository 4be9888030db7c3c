#if DEBUG
#if THREAD_SANITIZER
@testable import GRPCNghttp2Transport

/// The lock that ThreadSanitizer knows.
typealias Mutex = GRPCNghttp2Transport.Mutex
#else
import Synchronization

/// The usual one.
typealias Mutex = Synchronization.Mutex
#endif
#endif
