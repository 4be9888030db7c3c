public import Logging

/// Keeps a handler's unexpected errors from its callers.
///
/// An error that has a travelling form passes: ``ServiceError``, and errors that convert to it. Any other error is
/// logged in full and answered as `500 INTERNAL`, without its text, which may hold secrets. Calls that are made are
/// left alone.
///
/// A trap (a failed precondition, an index out of range) ends a Swift process; no middleware can recover from it.
public struct ErrorMasking: SynchronousMiddleware {
    private let mask: Call.End

    /// Logs to a logger.
    public init(logger: Logger) {
        mask = { call, result in
            guard let error = result.error, ServiceError(error) == nil else { return }
            logger.error(
                "unexpected error in a handler",
                metadata: [
                    "operation": "\(call.operation)", "peer": "\(call.peer)", "error": "\(String(reflecting: error))",
                ]
            )
            result.fail(with: ServiceError(.internalError, reason: "INTERNAL", message: "internal error"))
        }
    }

    /// Replaces the error of a served call if it has no travelling form.
    public func beginServing(_ call: inout Call) {
        call.onEnd(mask)
    }
}
