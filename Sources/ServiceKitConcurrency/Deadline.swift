/// Runs a body, and cancels it at a deadline of the clock. Throws any error of the body, or the given error when the
/// deadline came first. Even then the call waits for the end of the body, which is a child task. A body that ignores
/// cancellation delays the return.
package func withDeadline<Result: Sendable, C: Clock>(
    _ deadline: C.Instant,
    clock: C = ContinuousClock(),
    onExpiry error: @autoclosure () -> any Error,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let result = await withTaskGroup(of: Swift.Result<Result, any Error>?.self) { group in
        group.addTask { await Swift.Result(catching: body) }
        group.addTask {
            try? await clock.sleep(until: deadline, tolerance: nil)
            return nil
        }
        defer { group.cancelAll() }
        for await result in group {
            // A cancelled timer ends early, and says nothing.
            if result != nil || !Task.isCancelled { return result }
        }
        return nil
    }
    guard let result else { throw error() }
    return try result.get()
}
