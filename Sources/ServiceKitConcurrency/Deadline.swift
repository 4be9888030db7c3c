/// Runs a body that is cancelled at an instant.
///
/// Waits for the body to end even then, since it is a child task; a body that ignores cancellation is waited for.
/// - Parameters:
///   - deadline: When the body is cancelled.
///   - error: What is thrown when it was.
///   - clock: The clock of the deadline.
///   - body: What is run.
/// - Throws: What the body throws, or `error` when the deadline came first.
package func withDeadline<Result: Sendable, C: Clock>(
    _ deadline: C.Instant,
    clock: C = ContinuousClock(),
    onExpiry error: @autoclosure () -> any Error,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let result: Swift.Result<Result, any Error>? = await withTaskGroup(of: TimedChild<Result>.self) { group in
        group.addTask {
            do {
                return .finished(.success(try await body()))
            } catch {
                return .finished(.failure(error))
            }
        }
        group.addTask {
            do {
                try await clock.sleep(until: deadline, tolerance: nil)
                return .expired
            } catch {
                return .timerCancelled
            }
        }
        defer { group.cancelAll() }
        for await child in group {
            switch child {
            case .finished(let result): return result
            case .expired: return nil
            case .timerCancelled: continue
            }
        }
        return nil
    }
    guard let result else { throw error() }
    return try result.get()
}

/// What a child task of ``withDeadline(_:clock:onExpiry:_:)`` ended with.
private enum TimedChild<Value: Sendable>: Sendable {
    case finished(Result<Value, any Error>)
    case expired
    case timerCancelled
}
