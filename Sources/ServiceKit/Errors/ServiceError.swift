/// An error that travels: a handler throws it for its caller, and the caller catches it.
///
/// It is the same error over gRPC and HTTP: `code` is an HTTP status, `reason` a constant for programs, `message` a
/// sentence for people, and `metadata` names the objects of the error.
public struct ServiceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// An HTTP status code that is an error.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The HTTP status.
        public var rawValue: Int

        /// A code that has no name here.
        public init(rawValue: Int) {
            self.rawValue = rawValue
        }

        /// 400: the caller's mistake.
        public static let badRequest = Code(rawValue: 400)
        /// 401: the caller is unknown.
        public static let unauthenticated = Code(rawValue: 401)
        /// 403: the caller may not.
        public static let forbidden = Code(rawValue: 403)
        /// 404: no such thing.
        public static let notFound = Code(rawValue: 404)
        /// 409: it conflicts with the present state.
        public static let conflict = Code(rawValue: 409)
        /// 412: the state does not allow it.
        public static let preconditionFailed = Code(rawValue: 412)
        /// 429: too many calls.
        public static let tooManyRequests = Code(rawValue: 429)
        /// 499: the caller gave up.
        public static let cancelled = Code(rawValue: 499)
        /// 500: the service's mistake.
        public static let internalError = Code(rawValue: 500)
        /// 501: the service does not do this.
        public static let unimplemented = Code(rawValue: 501)
        /// 503: the service cannot be reached or does not serve now.
        public static let unavailable = Code(rawValue: 503)
        /// 504: the deadline passed.
        public static let deadlineExceeded = Code(rawValue: 504)

        /// The number.
        public var description: String { String(rawValue) }
    }

    /// The kind of error.
    public var code: Code
    /// A constant that programs compare, in capitals: `USER_NOT_FOUND`.
    public var reason: String
    /// A sentence for people.
    public var message: String
    /// The objects of the error: ids, limits.
    public var metadata: [String: String]
    /// The fields of the request that are not as they must be (`google.rpc.BadRequest`).
    public var violations: [FieldViolation]

    /// Creates an error.
    public init(
        _ code: Code,
        reason: String,
        message: String,
        metadata: [String: String] = [:],
        violations: [FieldViolation] = []
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.metadata = metadata
        self.violations = violations
    }

    /// `404 USER_NOT_FOUND: there is no user 7`.
    public var description: String { "\(code) \(reason): \(message)" }
}

/// An error that has a ``ServiceError`` form, such as a transport's own.
public protocol ServiceErrorConvertible: Error {
    /// The error as it travels.
    var serviceError: ServiceError { get }
}

extension ServiceError: ServiceErrorConvertible {
    /// Itself.
    public var serviceError: ServiceError { self }
}

extension ServiceError {
    /// The form in which an error travels, if it has one: itself, its conversion, or 499 for a cancellation.
    ///
    /// An error that has none gives `nil`: its text may hold secrets.
    public init?(_ error: any Error) {
        switch error {
        case let error as any ServiceErrorConvertible: self = error.serviceError
        case is CancellationError: self.init(.cancelled, reason: "CANCELLED", message: "the call was cancelled")
        default: return nil
        }
    }
}
