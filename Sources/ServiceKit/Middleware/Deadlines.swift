internal import ServiceKitConcurrency
public import ServiceKitConfig
private import ServiceContextModule

/// Gives calls deadlines and hands them on.
///
/// A call's deadline is the earliest of: the caller's own, the time limit configured for the method, and on a client the
/// deadline of the call being served, so that a callee's outgoing calls never outlive its caller's patience. A call
/// whose deadline has passed is not made; on a server a configured limit ends the handler. Both are
/// `504 DEADLINE_EXCEEDED`.
public struct Deadlines: Middleware {
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

    /// Handles a call.
    public func handle(_ call: Call, next: Next) async throws -> CallResult {
        let now = now()
        let limit = options.limit(for: call.path).map { now + $0 }
        let caller = call.side == .client ? ServiceContext.current?.deadline : nil
        var call = call
        let given = call.deadline
        call.deadline = [given, limit, caller].compactMap(\.self).min()
        if let deadline = call.deadline, deadline <= now { throw Self.exceeded(call) }
        switch call.side {
        case .client:
            return try await next(call)
        case .server:
            var context = ServiceContext.current ?? .topLevel
            context.deadline = call.deadline
            return try await ServiceContext.withValue(context) { [call] in
                // The transport itself ends the handler at the caller's deadline; only a tighter one is ours to enforce.
                guard let deadline = call.deadline, deadline != given else { return try await next(call) }
                return try await withDeadline(deadline, onExpiry: Self.exceeded(call)) { try await next(call) }
            }
        }
    }

    private static func exceeded(_ call: Call) -> ServiceError {
        ServiceError(
            .deadlineExceeded,
            reason: "DEADLINE_EXCEEDED",
            message: "\(call.path) did not end before its deadline"
        )
    }
}
