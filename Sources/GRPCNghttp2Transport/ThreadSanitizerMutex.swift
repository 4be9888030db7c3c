#if THREAD_SANITIZER
import ServiceKitHTTP2

/// The lock that ThreadSanitizer knows; see the engine.
typealias Mutex = ServiceKitHTTP2.Mutex
#endif
