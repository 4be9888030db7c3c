/// Why an App is to stop: the first cause counts, and a later request can make it hurry.
final class StopRequest: Sendable {
    private struct State: Sendable {
        var isRequested = false
        var isForced = false
        var failure: (any Error)?
    }

    private let state = Watched(State())

    /// Stops in order.
    func request() {
        state.update { $0.isRequested = true }
    }

    /// Stops now: waits are cut short.
    func force() {
        state.update { state in
            state.isRequested = true
            state.isForced = true
        }
    }

    /// Stops in order because of a failure. Returns `false` when the stop has been requested before, so that this is
    /// not its cause.
    func fail(_ error: any Error) -> Bool {
        state.update { state in
            if state.isRequested { return false }
            state.isRequested = true
            state.failure = error
            return true
        }
    }

    var isRequested: Bool { state.value.isRequested }

    /// Whether the stop cuts its waits short.
    var isForced: Bool { state.value.isForced }

    var failure: (any Error)? { state.value.failure }

    /// Waits for a request, or the task's cancellation.
    func wait() async {
        _ = await state.first(where: \.isRequested)
    }

    /// Waits for a request to hurry, or the task's cancellation.
    func waitForForce() async {
        _ = await state.first(where: \.isForced)
    }
}
