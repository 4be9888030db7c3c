/// Something done around every call: one protocol for server and client, gRPC and HTTP, unary and streaming.
///
/// ```swift
/// struct RequireTenant: Middleware {
///     func handle(_ call: Call, next: Next) async throws -> CallResult {
///         guard call.metadata["x-md-tenant"] != nil else {
///             throw ServiceError(.badRequest, reason: "TENANT_MISSING", message: "send x-md-tenant")
///         }
///         return try await next(call)
///     }
/// }
/// ```
public protocol Middleware: Sendable {
    /// What ``handle(_:next:)`` passes the call on to.
    typealias Next = MiddlewareNext

    /// Handles a call.
    ///
    /// Throwing before `next` answers the call without making it; throwing after it replaces its outcome.
    /// - Parameters:
    ///   - call: The call; a changed copy may be passed on.
    ///   - next: The rest of the chain; to be called at most once.
    func handle(_ call: Call, next: Next) async throws -> CallResult
}
