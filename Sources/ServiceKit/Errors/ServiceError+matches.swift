extension ServiceError {
    /// Whether an error has a code and a reason, wherever it was thrown: here, or by a service that was called.
    ///
    /// gRPC has fewer codes than HTTP. So a code that comes back from gRPC as another one, such as 410 as 500, is equal to
    /// that one too. Generated predicates such as `isUserNotFound` call this.
    ///
    /// - Parameters:
    ///   - error: Any error. Only one that has the form of a ``ServiceError`` can match.
    ///   - code: The code that the service has thrown.
    ///   - reason: The reason that the service has thrown.
    public static func matches(_ error: any Error, code: Code, reason: String) -> Bool {
        guard let error = ServiceError(error), error.reason == reason else { return false }
        return error.code == code || error.code == Code(CallStatus(code))
    }
}

extension ServiceError.Code {
    /// The HTTP status of a gRPC status, by the table of go-kratos.
    package init(_ status: CallStatus) {
        self =
            switch status {
            case .invalidArgument, .outOfRange: .badRequest
            case .unauthenticated: .unauthenticated
            case .permissionDenied: .forbidden
            case .notFound: .notFound
            case .aborted, .alreadyExists: .conflict
            case .failedPrecondition: .preconditionFailed
            case .resourceExhausted: .tooManyRequests
            case .cancelled: .cancelled
            case .unimplemented: .unimplemented
            case .unavailable: .unavailable
            case .deadlineExceeded: .deadlineExceeded
            case .ok, .unknown, .internalError, .dataLoss: .internalError
            }
    }
}
