internal import ServiceKit
internal import ServiceKitConcurrency
internal import ServiceKitGRPC
private import Synchronization

/// A call whose response has come, until its body ends. It ends exactly once; at the latest when the response is forgotten.
final class OpenCall: Sendable {
    private struct Open {
        var call: Call
        let attempt: HTTPAttempt
    }

    private let open: Mutex<Open?>
    private let deadline: ContinuousClock.Instant?
    private let judgement: Judgement
    /// When the answer began; `nil` for a failure.
    private let answeredAt: UInt64?

    /// - Parameters:
    ///   - call: The call as the last middleware has left it.
    ///   - attempt: The attempt that was answered.
    ///   - judgement: The judgement of the attempt by the head of its answer.
    init(_ call: Call, _ attempt: HTTPAttempt, _ judgement: Judgement) {
        deadline = call.deadline
        open = Mutex(Open(call: call, attempt: attempt))
        self.judgement = judgement
        answeredAt = judgement.isFailure ? nil : NodeStatistics.now
        // The body may go on for hours.
        if let answeredAt { attempt.pick.node.statistics.answered(attempt.pick.call, at: answeredAt) }
    }

    deinit { end() }

    /// Runs a body until the call's deadline.
    ///
    /// - Throws: The error of the body, or `TimeLimitExceeded`.
    nonisolated(nonsending) func withinDeadline<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        guard let deadline else { return try await body() }
        return try await withDeadline(deadline, onExpiry: TimeLimitExceeded(limit: .zero), body)
    }

    /// The body has ended: the call ends as its status says.
    func end() {
        guard var open = take() else { return }
        end(open.attempt, judgement.result)
        var result = open.attempt.result(judgement.failure)
        open.call.end(with: &result)
    }

    /// The body has broken off.
    ///
    /// - Returns: The error for the caller, which middleware may have replaced.
    func fail(_ failure: HTTPFailure) -> any Error {
        guard var open = take() else { return failure.error }
        end(open.attempt, AttemptResult(failure.status, code: failure.error.code, load: judgement.load))
        var result = open.attempt.result(failure.error)
        open.call.end(with: &result)
        return result.error ?? failure.error
    }

    private func end(_ attempt: HTTPAttempt, _ result: AttemptResult) {
        var result = result
        result.answeredAt = answeredAt
        attempt.end(result)
    }

    private func take() -> Open? {
        open.withLock { open in
            defer { open = nil }
            return open
        }
    }
}
