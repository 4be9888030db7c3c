public import ServiceKitConfig
private import ServiceContextModule

/// Gives calls deadlines and hands them on.
///
/// A call's deadline is the earliest of: the caller's own, the time limit configured for the operation, and on a client
/// the deadline of the call being served. So the calls that a service makes never outlast the call that it serves.
///
/// A call whose deadline has passed is neither made nor served. At the deadline the transport ends the call; a server
/// cancels the handler. Both are `504 DEADLINE_EXCEEDED`.
public struct Deadlines: SynchronousMiddleware, ClientMiddlewareOfService {
    /// Time limits, under `server.timeouts`, `client.timeouts` and `clients.<service>.timeouts` in the
    /// configuration.
    public struct Options: ConfigurationSection, Hashable {
        /// The limit for calls of operations not listed; none by default.
        public var `default`: Duration?
        /// Limits by operation: `/user.v1.UserService/GetUser: 250ms`. A key that ends in `/` is for the whole service.
        public var methods: [String: Duration] = [:]

        /// No limits.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [
            OptionRange("default", \.default, .milliseconds(1)...(.seconds(365 * 86_400))),
            OptionRange("methods", \.methods, .milliseconds(1)...(.seconds(365 * 86_400))),
        ]

        /// The limit for an operation: its own, else its service's, else the default.
        func limit(for operation: String) -> Duration? {
            methods.isEmpty ? self.default : methods[forOperation: operation] ?? self.default
        }
    }

    private let options: Replaceable<Options>
    /// Reads the limits for calls to a service; `nil` if they are the same for all.
    private let optionsOfService: (@Sendable (_ service: String) throws -> Replaceable<Options>)?
    private let now: @Sendable () -> ContinuousClock.Instant
    private let explain: Call.End

    /// Applies limits.
    ///
    /// - Parameter options: The limits; none by default, which leaves the deadlines of callers.
    public init(_ options: Options = Options()) {
        self.init(Replaceable(options))
    }

    /// Applies limits that may change: each call has those that are in force when it begins.
    init(
        _ options: Replaceable<Options>,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        ofService: (@Sendable (_ service: String) throws -> Replaceable<Options>)? = nil
    ) {
        self.options = options
        self.optionsOfService = ofService
        self.now = now
        explain = { call, result in
            // An error that a handler throws after its deadline comes from the deadline.
            guard result.error != nil, let deadline = call.deadline, deadline <= now() else { return }
            result.fail(with: Self.exceeded(call.operation))
        }
    }

    package func forCalls(to service: String) throws -> any Middleware {
        guard let optionsOfService else { return self }
        return Deadlines(try optionsOfService(service), now: now, ofService: optionsOfService)
    }

    /// Gives a served call its deadline, which the calls made while serving it inherit.
    ///
    /// - Throws: ``ServiceError`` when the deadline has passed.
    public func beginServing(_ call: inout Call) throws {
        try limit(&call)
        call.context.deadline = call.deadline
        if call.deadline != nil { call.onEnd(explain) }
    }

    /// Gives a made call its deadline, which is no later than that of the call being served.
    ///
    /// - Throws: ``ServiceError`` when the deadline has passed.
    public func beginCalling(_ call: inout Call) throws {
        if let served = call.context.deadline { call.deadline = min(call.deadline ?? served, served) }
        try limit(&call)
    }

    private func limit(_ call: inout Call) throws {
        let limit = options.read { $0.limit(for: call.operation) }
        if limit == nil, call.deadline == nil { return }
        let now = now()
        if let limit {
            let latest = now + limit
            call.deadline = call.deadline.map { min($0, latest) } ?? latest
        }
        if let deadline = call.deadline, deadline <= now { throw Self.exceeded(call.operation) }
    }

    /// The error of a call whose deadline has passed.
    static func exceeded(_ operation: String) -> ServiceError {
        ServiceError(
            .deadlineExceeded,
            reason: "DEADLINE_EXCEEDED",
            message: "\(operation) did not end before its deadline"
        )
    }
}

extension Deadlines.Options {
    /// The meaning of each option.
    public static let help = [
        "default": "the time limit of calls: of handlers in a server, of all attempts together in a client",
        "methods":
            "the same by method, `/user.v1.UserService/GetUser: 250ms`, or by service, "
            + "`/user.v1.UserService/: 1s`",
    ]
}

extension Deadlines.Options: Validatable {
    /// Checks that the keys of `methods` are operations.
    ///
    /// - Throws: `ConfigurationError` that names the key.
    public func validate() throws(ConfigurationError) {
        try methods.keys.sorted().requireOperations(at: "methods")
    }
}
