/// The time limit of something ran out.
package struct TimeLimitExceeded: Error, Hashable {
    /// The limit.
    package let limit: Duration

    package init(limit: Duration) {
        self.limit = limit
    }
}

/// Runs a body and returns no later than a limit, whatever the body does.
///
/// The body is cancelled at the limit, and when the calling task is cancelled. It is given no more time then: one that
/// ignores cancellation goes on by itself, so that it cannot keep a process from stopping. Use ``withDeadline`` where the
/// body can be trusted to end.
/// - Throws: What the body throws, ``TimeLimitExceeded``, or `CancellationError`.
package func withTimeLimit<Result: Sendable>(
    _ limit: Duration,
    clock: any Clock<Duration> = ContinuousClock(),
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let outcome = Promise<Result>()
    // Unstructured, because child tasks would have to be waited for. Both are cancelled when this returns.
    let work = Task {
        do {
            outcome.resolve(.success(try await body()))
        } catch {
            outcome.resolve(.failure(error))
        }
    }
    let timer = Task {
        do {
            try await clock.sleep(for: limit)
            outcome.resolve(.failure(TimeLimitExceeded(limit: limit)))
        } catch {
            // Cancelled: nobody waits any more.
        }
    }
    defer {
        work.cancel()
        timer.cancel()
    }
    return try await outcome.value()
}
