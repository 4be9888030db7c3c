/// A time limit ran out.
package struct TimeLimitExceeded: Error, Hashable {
    /// The limit.
    package let limit: Duration

    package init(limit: Duration) {
        self.limit = limit
    }
}

/// Runs a body, and returns by a limit whatever the body does.
///
/// The body is cancelled at the limit, and when the calling task is cancelled. After that the call does not wait: a
/// body that ignores cancellation runs on by itself, and cannot keep a process from stopping. Use ``withDeadline`` for
/// a body that ends when it is cancelled.
/// - Throws: Any error of the body, ``TimeLimitExceeded``, or `CancellationError`.
package func withTimeLimit<Result: Sendable>(
    _ limit: Duration,
    clock: any Clock<Duration> = ContinuousClock(),
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let outcome = Promise<Result>()
    // Unstructured, since a child task would have to be awaited. Both tasks are cancelled when this returns.
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
            // Cancelled: no task waits any more.
        }
    }
    defer {
        work.cancel()
        timer.cancel()
    }
    return try await outcome.value()
}
