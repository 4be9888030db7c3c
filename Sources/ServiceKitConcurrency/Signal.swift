private import Synchronization

/// Wakes one waiting task. A signal that is raised while no task waits is kept; several count as one.
package final class Signal: Sendable {
    private struct State {
        var isRaised = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    /// Resumes the waiting task, or the next task that waits.
    package func raise() {
        let waiter = state.withLock { state in
            state.isRaised = state.waiter == nil
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Waits for the signal, or until the task is cancelled. Only one task waits at a time: a second task replaces the
    /// first, which returns.
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
        // The caller checks for cancellation.
        try? await withDeadline(deadline, onExpiry: CancellationError()) { await self.wait() }
    }
}
