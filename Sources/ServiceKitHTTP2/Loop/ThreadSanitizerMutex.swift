#if THREAD_SANITIZER
import Glibc

/// `Synchronization.Mutex`, on a lock that ThreadSanitizer knows. ThreadSanitizer does not see the futex of the standard
/// library's `Mutex`, nor the order that it makes, and would report every access that it guards. Builds with
/// `-D THREAD_SANITIZER` alone have this type, and find it first; see `scripts/soak-transport`.
// @unchecked: the value is touched by `withLock` only, which holds the lock.
package struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    /// An object apart from the lock: the sanitizer takes a change of one property for a change of the whole object.
    private final class Storage {
        var value: Value

        init(_ value: consuming Value) {
            self.value = value
        }
    }

    private final class Lock {
        let pointer: UnsafeMutablePointer<pthread_mutex_t>

        init() {
            self.pointer = .allocate(capacity: 1)
            self.pointer.initialize(to: pthread_mutex_t())
            pthread_mutex_init(self.pointer, nil)
        }

        deinit {
            pthread_mutex_destroy(self.pointer)
            self.pointer.deallocate()
        }
    }

    private let storage: Storage
    private let lock = Lock()

    package init(_ value: consuming sending Value) {
        self.storage = Storage(value)
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(self.lock.pointer)
        defer { pthread_mutex_unlock(self.lock.pointer) }
        return try body(&self.storage.value)
    }
}
#endif
