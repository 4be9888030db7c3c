public import ServiceKitConfig

extension FaultInjection {
    /// The sections `server.faults`, `client.faults` and `clients.<service>.faults`: the faults of all calls, and those of
    /// single methods.
    public struct Options: ConfigurationSection, Hashable {
        /// The delay of calls; none by default.
        public var delay = Delay()
        /// The error of calls; none by default.
        public var abort = Abort()
        /// A header that opts in: only calls that have it, with any value, can get a fault. By default all calls can.
        public var header = ""
        /// The faults by method, `/user.v1.UserService/GetUser`, or by service, `/user.v1.UserService/`. A method has its own,
        /// else those of its service, else those above.
        public var methods: [String: Fault] = [:]

        /// No faults.
        public init() {}

        /// The meaning of each option.
        public static let help = [
            "header": "a header that opts in: only calls that have it can get a fault",
            "methods":
                "the faults by method or service instead, `/user.v1.UserService/GetUser: {abort: {status: UNAVAILABLE}}`",
        ]

        /// Whether no call can get a fault.
        package var isEmpty: Bool { delay.duration == nil && abort.status == nil && methods.isEmpty }

        /// The faults of an operation; `nil` if there are none.
        func fault(for operation: String) -> Fault? {
            if !methods.isEmpty, let fault = methods[forOperation: operation] { return fault }
            if isEmpty { return nil }
            var fault = Fault()
            (fault.delay, fault.abort, fault.header) = (delay, abort, header)
            return fault
        }
    }

    /// The faults of a method or a service.
    public struct Fault: ConfigurationSection, Hashable {
        /// The delay of calls; none by default.
        public var delay = Delay()
        /// The error of calls; none by default.
        public var abort = Abort()
        /// A header that opts in: only calls that have it, with any value, can get a fault. By default all calls can.
        public var header = ""

        /// No faults.
        public init() {}
    }

    /// The section `delay` of a fault.
    public struct Delay: ConfigurationSection, Hashable {
        /// How long calls are delayed; by default they are not.
        public var duration: Duration?
        /// The share of the calls that are delayed, in percent; 100 by default.
        public var percentage = 100.0

        /// No delay.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Delay>] = [
            OptionRange("duration", \.duration, .zero...(.seconds(3600))),
            OptionRange("percentage", \.percentage, 0...100),
        ]

        /// The meaning of each option.
        public static let help = [
            "duration": "how long calls are delayed; without it they are not",
            "percentage": "the share of the calls that are delayed, in percent",
        ]
    }

    /// The section `abort` of a fault.
    public struct Abort: ConfigurationSection, Hashable {
        /// The gRPC status that calls fail with; by default they do not fail. Over HTTP it is the status of
        /// ``ServiceError/Code``.
        public var status: Status?
        /// The message of the error.
        public var message = "fault injected"
        /// The share of the calls that fail, in percent; 100 by default.
        public var percentage = 100.0

        /// No error.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Abort>] = [OptionRange("percentage", \.percentage, 0...100)]

        /// The meaning of each option.
        public static let help = [
            "status": "the gRPC status that calls fail with, such as `UNAVAILABLE`; without it they do not fail",
            "message": "the message of the error",
            "percentage": "the share of the calls that fail, in percent",
        ]

        func error(_ status: Status) -> ServiceError {
            ServiceError(status.code, reason: FaultInjection.reason, message: message)
        }
    }

    /// A status that an aborted call can have: each that a ``ServiceError`` can.
    public enum Status: String, Codable, Sendable, CaseIterable {
        /// 400
        case invalidArgument = "INVALID_ARGUMENT"
        /// 401
        case unauthenticated = "UNAUTHENTICATED"
        /// 403
        case permissionDenied = "PERMISSION_DENIED"
        /// 404
        case notFound = "NOT_FOUND"
        /// 409
        case aborted = "ABORTED"
        /// 412
        case failedPrecondition = "FAILED_PRECONDITION"
        /// 429
        case resourceExhausted = "RESOURCE_EXHAUSTED"
        /// 499
        case cancelled = "CANCELLED"
        /// 500
        case internalError = "INTERNAL"
        /// 501
        case unimplemented = "UNIMPLEMENTED"
        /// 503
        case unavailable = "UNAVAILABLE"
        /// 504
        case deadlineExceeded = "DEADLINE_EXCEEDED"

        var code: ServiceError.Code {
            switch self {
            case .invalidArgument: .badRequest
            case .unauthenticated: .unauthenticated
            case .permissionDenied: .forbidden
            case .notFound: .notFound
            case .aborted: .conflict
            case .failedPrecondition: .preconditionFailed
            case .resourceExhausted: .tooManyRequests
            case .cancelled: .cancelled
            case .internalError: .internalError
            case .unimplemented: .unimplemented
            case .unavailable: .unavailable
            case .deadlineExceeded: .deadlineExceeded
            }
        }
    }
}

extension FaultInjection.Options: Validatable {
    /// Checks that the keys of `methods` are operations, and that the header can be one.
    ///
    /// - Throws: `ConfigurationError` that names the key.
    public func validate() throws(ConfigurationError) {
        try methods.keys.sorted().requireOperations(at: "methods")
        if !header.isEmpty { try header.requireHeaderName(at: "header") }
    }
}

extension FaultInjection.Fault: Validatable {
    /// Checks that the header can be one: else no call got the fault.
    public func validate() throws(ConfigurationError) {
        if !header.isEmpty { try header.requireHeaderName(at: "header") }
    }
}

extension FaultInjection.Delay: Validatable {
    /// Checks that a share of calls that are delayed comes with the delay.
    public func validate() throws(ConfigurationError) {
        if duration == nil, 0 < percentage, percentage < 100 {
            throw ConfigurationError(
                message: "without a duration no call is delayed; write duration: 200ms beside it", keyPath: "percentage"
            )
        }
    }
}

extension FaultInjection.Abort: Validatable {
    /// Checks that a share of calls that fail comes with the status.
    public func validate() throws(ConfigurationError) {
        if status == nil, 0 < percentage, percentage < 100 {
            throw ConfigurationError(
                message: "without a status no call fails; write status: UNAVAILABLE beside it", keyPath: "percentage")
        }
    }
}
