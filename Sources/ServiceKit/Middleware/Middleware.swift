/// Does something at the begin and at the end of calls: on servers and clients, over gRPC and HTTP, for single messages
/// and streams.
///
/// A middleware begins each call before it is served or made. There it may read and change the call, refuse it by
/// throwing, and wait. To learn how the call ends it leaves a function with ``Call/onEnd(_:)``.
///
/// ```swift
/// struct RequireTenant: Middleware {
///     let refused = Watched(0)
///
///     func beginServing(_ call: inout Call) throws {
///         guard call.metadata["x-md-tenant"] != nil else {
///             throw ServiceError(.badRequest, reason: "TENANT_MISSING", message: "send x-md-tenant")
///         }
///         call.onEnd { call, result in
///             if result.error != nil { refused.update { $0 += 1 } }
///         }
///     }
/// }
/// ```
///
/// ``begin(_:)`` is for both sides. ``beginServing(_:)`` follows it on a server, ``beginCalling(_:)`` on a client. A
/// method that a middleware does not implement does nothing.
///
/// Middleware begins from the outside in and ends from the inside out. When one throws, those inside it do not begin,
/// and the functions left so far are told of the error. A middleware that waits must limit its wait: a deadline that
/// middleware sets is enforced once the last one has begun.
public protocol Middleware: Sendable {
    // `nonisolated(nonsending)`: a middleware that does not wait costs a call fewer looks at executors. Implementations need
    // not repeat it.

    /// Begins a call, whichever side this process is on.
    ///
    /// - Parameter call: The call; changes are passed on.
    /// - Throws: The error that answers the call, which then is neither served nor made.
    nonisolated(nonsending) func begin(_ call: inout Call) async throws

    /// Begins a call that this process serves, after ``begin(_:)``.
    ///
    /// - Throws: The error that answers the call, which then is not served.
    nonisolated(nonsending) func beginServing(_ call: inout Call) async throws

    /// Begins a call that this process makes, after ``begin(_:)`` and before the first attempt.
    ///
    /// - Throws: The error that answers the call, which then is not made.
    nonisolated(nonsending) func beginCalling(_ call: inout Call) async throws
}

/// A middleware that never waits. A call begins it without a look at executors, which costs as much as all else that a
/// small middleware does.
// Not public: a function that does wait would not be called, and the compiler would not say so.
package protocol SynchronousMiddleware: Middleware {
    func begin(_ call: inout Call) throws
    func beginServing(_ call: inout Call) throws
    func beginCalling(_ call: inout Call) throws
}

/// A middleware that has options of its own for each service that is called.
package protocol ClientMiddlewareOfService: Middleware {
    /// The middleware for the calls to a service.
    ///
    /// - Throws: `ConfigurationError` when the options for the service are wrong.
    func forCalls(to service: String) throws -> any Middleware
}

// The defaults do not wait: in async code an async default would be called in place of a middleware's own function that
// does not wait.
extension Middleware {
    /// Does nothing.
    public func begin(_ call: inout Call) {}

    /// Does nothing.
    public func beginServing(_ call: inout Call) {}

    /// Does nothing.
    public func beginCalling(_ call: inout Call) {}
}
