#if THREAD_SANITIZER
internal import ServiceKitConcurrency

/// The lock that ThreadSanitizer knows.
typealias Mutex = ServiceKitConcurrency.Mutex
#endif
