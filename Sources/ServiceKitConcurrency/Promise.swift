private import Synchronization

/// A value that comes later. Its first result counts. Safe to use from any task.
package final class Promise<Value: Sendable>: Sendable {
    private struct Waiter {
        let id: UInt64
        /// Not checked, since checking would cost each wait an allocation and a lock. The code that takes the waiter
        /// out of the list, under the lock, resumes it, so that it is resumed once.
        let continuation: UnsafeContinuation<Value, any Error>
    }

    private struct State {
        var result: Result<Value, any Error>?
        var waiters: [Waiter] = []
        var nextID: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Creates a promise without a result.
    package init() {}

    /// The result; `nil` before it has come.
    package var result: Result<Value, any Error>? { state.withLock(\.result) }

    /// Sets the result. A second result is dropped.
    package func resolve(_ result: Result<Value, any Error>) {
        let waiters: [Waiter] = state.withLock { state in
            if state.result != nil { return [] }
            state.result = result
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(with: result) }
    }

    /// Waits for the result. Throws the error of the result, or `CancellationError` when the waiting task is cancelled
    /// before.
    package func value() async throws -> Value {
        let (id, result) = state.withLock { state in
            state.nextID += 1
            return (state.nextID, state.result)
        }
        if let result { return try result.get() }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                let result: Result<Value, any Error>? = state.withLock { state in
                    if let result = state.result { return result }
                    // The task was cancelled before it became a waiter.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0).continuation }
            }
            continuation?.resume(throwing: CancellationError())
        }
    }
}
