internal import ServiceKitConcurrency

/// A step of an App's start or stop, with a limit in time.
struct Phase: Sendable {
    /// The step's name in logs and errors: `deregistering`.
    let name: String
    /// How long it may take.
    let limit: Duration
    let clock: any Clock<Duration>

    /// The step was asked to hurry.
    private struct Hurried: Error {}

    /// Runs the step; returns at the limit at the latest, and at once when cancelled or when `hurry` returns. The body
    /// is then cancelled, and not waited for; see ``withTimeLimit(_:clock:_:)``. Without `hurry`, the step cannot be
    /// cut. Throws `AppError` that names the step and the limit or the failure; `CancellationError` when it was cut.
    func run<Result: Sendable>(
        hurry: (@Sendable () async -> Void)? = nil,
        body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try Task.checkCancellation()
        do {
            return try await withThrowingTaskGroup(of: Result.self) { group in
                defer { group.cancelAll() }
                group.addTask { [limit, clock] in try await withTimeLimit(limit, clock: clock, body) }
                if let hurry {
                    group.addTask {
                        await hurry()
                        throw Hurried()
                    }
                }
                guard let result = try await group.next() else { throw Hurried() }
                return result
            }
        } catch is Hurried {
            throw CancellationError()
        } catch is TimeLimitExceeded {
            throw AppError("\(name) took longer than \(limit)")
        } catch {
            // A body that gives up by itself has failed, even if it throws a cancellation.
            if Task.isCancelled, error is CancellationError { throw error }
            throw AppError("\(name): \(error)")
        }
    }
}
