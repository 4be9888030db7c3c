#if THREAD_SANITIZER
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// `Synchronization.Mutex`, on a lock that ThreadSanitizer knows: it sees neither the futex beneath that one nor what it
/// orders, and would report every access it guards. For builds with `-D THREAD_SANITIZER` only, where this one is found
/// first; see `scripts/soak-transport`.
// @unchecked: the value is touched by `withLock` only, which holds the lock.
struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    private final class Storage {
        var value: Value
        let lock: UnsafeMutablePointer<pthread_mutex_t>

        init(_ value: consuming Value) {
            self.value = value
            self.lock = .allocate(capacity: 1)
            self.lock.initialize(to: pthread_mutex_t())
            pthread_mutex_init(self.lock, nil)
        }

        deinit {
            pthread_mutex_destroy(self.lock)
            self.lock.deallocate()
        }
    }

    private let storage: Storage

    init(_ value: consuming sending Value) {
        self.storage = Storage(value)
    }

    borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(self.storage.lock)
        defer { pthread_mutex_unlock(self.storage.lock) }
        return try body(&self.storage.value)
    }
}
#endif
