#if DEBUG
#if THREAD_SANITIZER
@testable import ServiceKitHTTP2

/// The lock that ThreadSanitizer knows.
typealias Mutex = ServiceKitHTTP2.Mutex
#else
import Synchronization

/// The usual one.
typealias Mutex = Synchronization.Mutex
#endif
#endif
