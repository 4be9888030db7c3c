#if DEBUG
#if THREAD_SANITIZER
@testable import ServiceKitHTTP2

/// The lock that ThreadSanitizer understands.
typealias Mutex = ServiceKitHTTP2.Mutex
#else
import Synchronization

/// The usual lock.
typealias Mutex = Synchronization.Mutex
#endif
#endif
