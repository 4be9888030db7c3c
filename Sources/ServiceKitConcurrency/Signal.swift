private import Synchronization

/// Says to one waiting task that there is something to do. A signal raised while nobody waits is kept; many are one.
package final class Signal: Sendable {
    private struct State {
        var isRaised = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Creates a signal that is not raised.
    package init() {}

    /// Resumes the task that waits, or the next that would.
    package func raise() {
        let waiter = state.withLock { state in
            state.isRaised = state.waiter == nil
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Waits for the signal, or until the task is cancelled. For one task at a time: a second takes the place of the
    /// first.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumed = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                    if state.isRaised || Task.isCancelled {
                        state.isRaised = false
                        return [continuation]
                    }
                    defer { state.waiter = continuation }
                    return state.waiter.map { [$0] } ?? []
                }
                for continuation in resumed { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }
    }

    /// Waits for the signal, an instant, or until the task is cancelled.
    package func wait(until deadline: ContinuousClock.Instant?) async {
        guard let deadline else { return await wait() }
        guard deadline > .now else { return }
        // Cancellation is for the caller to look at.
        try? await withDeadline(deadline, onExpiry: CancellationError()) { await self.wait() }
    }
}
