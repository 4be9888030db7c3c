public import ServiceKitConfig
private import ServiceContextModule

/// Gives calls deadlines and hands them on.
///
/// A call's deadline is the earliest of: the caller's own, the time limit configured for the method, and on a client the
/// deadline of the call being served, so that a callee's outgoing calls never outlive its caller's patience. A call
/// whose deadline has passed is not made. At the deadline a call is ended by its transport, on a server by cancelling the
/// handler. Both are `504 DEADLINE_EXCEEDED`.
public struct Deadlines: StepwiseMiddleware {
    /// Time limits, under `server.timeouts` and `client.timeouts` in the configuration.
    public struct Options: ConfigurationSection, Hashable {
        /// The limit for calls of methods not listed; none by default.
        public var `default`: Duration?
        /// Limits by path: `/user.v1.UserService/GetUser: 250ms`. A path that ends in `/` is for the whole service.
        public var methods: [String: Duration] = [:]

        /// No limits.
        public init() {}

        /// The limit for a path: its own, else its service's, else the default.
        func limit(for path: String) -> Duration? {
            if let limit = methods[path] { return limit }
            if let slash = path.lastIndex(of: "/"), let limit = methods[String(path[...slash])] { return limit }
            return self.default
        }
    }

    private let options: Options
    private let now: @Sendable () -> ContinuousClock.Instant

    /// Applies limits.
    ///
    /// - Parameter options: The limits; none by default, which leaves propagation.
    public init(_ options: Options = Options()) {
        self.init(options) { .now }
    }

    init(_ options: Options, now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.options = options
        self.now = now
    }

    /// Handles a call: one that is served, within a context that knows its deadline.
    public func handle(_ call: Call, next: Next) async throws -> CallResult {
        var call = call
        // It is not told of the end.
        _ = try begin(&call)
        guard call.side == .server else { return try await next(call) }
        var context = ServiceContext.current ?? .topLevel
        context.deadline = call.deadline
        do {
            return try await ServiceContext.withValue(context) { [call] in try await next(call) }
        } catch {
            // Whatever a handler throws when its time is over, it throws because of that.
            if let deadline = call.deadline, deadline <= self.now() { throw Self.exceeded(call) }
            throw error
        }
    }

    /// Gives a call its deadline.
    ///
    /// - Throws: ``ServiceError`` when that has passed.
    public func begin(_ call: inout Call) throws -> CallEnded? {
        let now = now()
        let limit = options.limit(for: call.path).map { now + $0 }
        let caller = call.side == .client ? ServiceContext.current?.deadline : nil
        call.deadline = [call.deadline, limit, caller].compactMap(\.self).min()
        if let deadline = call.deadline, deadline <= now { throw Self.exceeded(call) }
        return nil
    }

    private static func exceeded(_ call: Call) -> ServiceError {
        ServiceError(
            .deadlineExceeded,
            reason: "DEADLINE_EXCEEDED",
            message: "\(call.path) did not end before its deadline"
        )
    }
}
