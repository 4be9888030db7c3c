/// Runs a body, and cancels it at an instant.
///
/// Even then the call waits for the end of the body, which is a child task. A body that ignores cancellation delays the
/// return.
/// - Parameters:
///   - deadline: The instant at which the body is cancelled.
///   - error: The error after the deadline.
///   - clock: The clock of the deadline.
///   - body: The work.
/// - Throws: Any error of the body, or `error` when the deadline came first.
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

/// The end of a child task of ``withDeadline(_:clock:onExpiry:_:)``.
private enum TimedChild<Value: Sendable>: Sendable {
    case finished(Result<Value, any Error>)
    case expired
    case timerCancelled
}
