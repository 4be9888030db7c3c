/// A wait that a middleware which never waits itself puts before the handler, or before the first attempt.
// A class: a call that has none, as nearly all do, is not larger by it.
package final class CallDelay: Sendable {
    private let duration: Duration
    private let error: (any Error)?

    /// - Parameters:
    ///   - duration: How long the call waits.
    ///   - error: The error that answers the call then; `nil` if it goes on.
    init(_ duration: Duration, _ error: (any Error)?) {
        self.duration = duration
        self.error = error
    }

    /// Waits, but no longer than until the call's deadline.
    ///
    /// - Throws: The delay's error, ``ServiceError`` at the deadline, `CancellationError`.
    fileprivate nonisolated(nonsending) func wait(for call: borrowing Call) async throws {
        let end = ContinuousClock.now + duration
        if let deadline = call.deadline, deadline < end {
            try await Task.sleep(until: deadline, clock: .continuous)
            throw Deadlines.exceeded(call.operation)
        }
        try await Task.sleep(until: end, clock: .continuous)
        if let error { throw error }
    }
}

extension Call {
    /// Waits as long as the middleware has put before the call; does nothing if it has put no delay.
    ///
    /// - Throws: The error that answers the call, as a middleware's does.
    package nonisolated(nonsending) func waitForDelay() async throws {
        if let delay { try await delay.wait(for: self) }
    }
}
