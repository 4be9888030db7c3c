/// Middleware that waits for nothing: it has a look at a call when it begins, may change or refuse it, and is told how it
/// ended.
///
/// A client whose middleware is all of this kind runs it in place, without a task for each call; around calls that are
/// served it does what any other does. ``CallLogging`` is one.
///
/// ```swift
/// struct CountCalls: StepwiseMiddleware {
///     let ended = Watched(0)
///
///     func begin(_ call: inout Call) -> CallEnded? {
///         { [ended] _ in ended.update { $0 += 1 } }
///     }
/// }
/// ```
public protocol StepwiseMiddleware: Middleware {
    /// Told how a call ended, once. It cannot be changed any more.
    typealias CallEnded = @Sendable (_ outcome: Result<CallResult, any Error>) -> Void

    /// A call begins.
    ///
    /// - Parameter call: The call; what is changed here is passed on.
    /// - Returns: What is to be told how the call ended, if anything is.
    /// - Throws: The error that answers the call, which is not made then.
    func begin(_ call: inout Call) throws -> CallEnded?
}

extension StepwiseMiddleware {
    /// Handles a call in the two steps.
    public func handle(_ call: Call, next: Next) async throws -> CallResult {
        var call = call
        let ended = try begin(&call)
        do {
            let result = try await next(call)
            ended?(.success(result))
            return result
        } catch {
            ended?(.failure(error))
            throw error
        }
    }
}
