package struct TimeLimitExceeded: Error, Hashable {
    package let limit: Duration

    package init(limit: Duration) {
        self.limit = limit
    }
}

/// Runs a body, and returns by a limit whatever the body does. The body is cancelled at the limit, and when the calling
/// task is cancelled. After that the call does not wait: a body that ignores cancellation runs on by itself, and cannot
/// keep a process from stopping. Use ``withDeadline`` for a body that ends when it is cancelled. Throws any error of
/// the body, ``TimeLimitExceeded``, or `CancellationError`.
package func withTimeLimit<Result: Sendable>(
    _ limit: Duration,
    clock: any Clock<Duration> = ContinuousClock(),
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let outcome = Promise<Result>()
    // Unstructured, since a child task would have to be awaited. Both tasks are cancelled when this returns.
    let work = Task { outcome.resolve(await Swift.Result(catching: body)) }
    let timer = Task {
        // Once it is cancelled, no task waits any more.
        guard (try? await clock.sleep(for: limit)) != nil else { return }
        outcome.resolve(.failure(TimeLimitExceeded(limit: limit)))
    }
    defer {
        work.cancel()
        timer.cancel()
    }
    return try await outcome.value()
}
