public import Logging

/// Keeps a handler's unexpected errors from its callers.
///
/// An error that has a travelling form (``ServiceError`` and what converts to it) passes. Any other is logged in full
/// and answered as `500 INTERNAL`, without its text, which may hold what callers should not read. A trap (a failed
/// precondition, an index out of range) ends a Swift process and cannot be recovered from.
public struct Recovery: Middleware {
    private let logger: Logger

    /// Logs to a logger.
    public init(logger: Logger) {
        self.logger = logger
    }

    /// Handles a call; clients' errors pass.
    public func handle(_ call: Call, next: Next) async throws -> CallResult {
        do {
            return try await next(call)
        } catch {
            if call.side == .client || ServiceError(error) != nil { throw error }
            logger.error(
                "unexpected error in a handler",
                metadata: ["path": "\(call.path)", "peer": "\(call.peer)", "error": "\(String(reflecting: error))"]
            )
            throw ServiceError(.internalError, reason: "INTERNAL", message: "internal error")
        }
    }
}
