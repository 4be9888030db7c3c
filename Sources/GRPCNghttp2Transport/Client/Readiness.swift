import GRPCCore
import ServiceKitHTTP2
import Synchronization

/// The place where calls wait for a connection.
final class Readiness: Sendable {
    private struct Waiter {
        var waitForReady: Bool
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        /// Grows with each change.
        var version = 0
        var connection = ClientConnection.State.idle
        var waiters: [Int: Waiter] = [:]
        var lastWaiter = 0
    }

    private let current = Mutex(State())
    private let maxWaiters: Int

    private static let shutDown = RPCError(code: .failedPrecondition, message: "the client transport was shut down")

    init(maxWaiters: Int) {
        self.maxWaiters = maxWaiters
    }

    /// The number of the last change.
    var version: Int { current.withLock { $0.version } }

    /// The last reported state of the connection.
    var state: ClientConnection.State { current.withLock { $0.connection } }

    /// Takes the state of the connection.
    func update(_ connection: ClientConnection.State) {
        let resolved = current.withLock { state in
            state.version += 1
            state.connection = connection
            var resolved: [(Waiter, Result<Void, any Error>)] = []
            for (id, waiter) in state.waiters {
                if let result = Self.outcome(connection, waitForReady: waiter.waitForReady) {
                    state.waiters[id] = nil
                    resolved.append((waiter, result))
                }
            }
            return resolved
        }
        for (waiter, result) in resolved {
            waiter.continuation.resume(with: result)
        }
    }

    /// Returns when the connection is ready.
    ///
    /// - Parameters:
    ///   - version: The number of a change that called the connection ready, if the caller has found that to be
    ///     wrong; else `nil`.
    ///   - waitForReady: Whether to wait even while the server cannot be reached.
    /// - Throws: `RPCError` if the call must not wait any longer.
    func wait(after version: Int?, waitForReady: Bool) async throws {
        let id = current.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let waiter = Waiter(waitForReady: waitForReady, continuation: continuation)
                if let result = current.withLock({ add(waiter, id: id, after: version, to: &$0) }) {
                    continuation.resume(with: result)
                }
            }
        } onCancel: {
            let waiter = current.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.continuation.resume(throwing: Self.cancelled)
        }
    }

    private func add(
        _ waiter: Waiter,
        id: Int,
        after version: Int?,
        to state: inout State
    ) -> Result<Void, any Error>? {
        let result = Self.outcome(state.connection, waitForReady: waiter.waitForReady)
        switch result {
        case .success? where state.version == version: break
        case .some: return result
        case .none: break
        }
        // Under the lock: a task cancelled later finds its waiter in place.
        guard !Task.isCancelled else { return .failure(Self.cancelled) }
        guard state.waiters.count < maxWaiters else {
            return .failure(
                RPCError(
                    code: .unavailable,
                    message: "\(maxWaiters) calls wait for a connection already",
                    cause: CallNotProcessed()
                )
            )
        }
        state.waiters[id] = waiter
        return nil
    }

    private static let cancelled = RPCError(
        code: .cancelled, message: "the call was cancelled while it waited for a connection"
    )

    /// The result for a call that waits, in this state; `nil` if it goes on waiting.
    private static func outcome(
        _ connection: ClientConnection.State,
        waitForReady: Bool
    ) -> Result<Void, any Error>? {
        switch connection {
        case .ready: .success(())
        case .transientFailure(let error): waitForReady ? nil : .failure(error)
        case .shutdown: .failure(Self.shutDown)
        case .idle, .connecting: nil
        }
    }
}
