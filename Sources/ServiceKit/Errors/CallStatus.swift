/// How a call ended, as metrics and traces name it: gRPC's status code, whose numbers are the raw values.
package enum CallStatus: Int, CaseIterable, Sendable {
    case ok, cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
    case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, internalError, unavailable, dataLoss
    case unauthenticated

    /// The status of a call that failed with an error, or with none.
    package init(_ error: (any Error)?) {
        guard let error else {
            self = .ok
            return
        }
        if let error = error as? any CallStatusConvertible {
            self = error.callStatus
        } else {
            self = ServiceError(error).map { CallStatus($0.code) } ?? .unknown
        }
    }

    /// The status of an error of the kit, by the table of go-kratos.
    package init(_ code: ServiceError.Code) {
        self =
            switch code {
            case .badRequest: .invalidArgument
            case .unauthenticated: .unauthenticated
            case .forbidden: .permissionDenied
            case .notFound: .notFound
            case .conflict: .aborted
            case .preconditionFailed: .failedPrecondition
            case .tooManyRequests: .resourceExhausted
            case .cancelled: .cancelled
            case .internalError: .internalError
            case .unimplemented: .unimplemented
            case .unavailable: .unavailable
            case .deadlineExceeded: .deadlineExceeded
            default: .unknown
            }
    }

    /// The code's name as gRPC documents write it: `NOT_FOUND`.
    package var name: String {
        switch self {
        case .ok: "OK"
        case .cancelled: "CANCELLED"
        case .unknown: "UNKNOWN"
        case .invalidArgument: "INVALID_ARGUMENT"
        case .deadlineExceeded: "DEADLINE_EXCEEDED"
        case .notFound: "NOT_FOUND"
        case .alreadyExists: "ALREADY_EXISTS"
        case .permissionDenied: "PERMISSION_DENIED"
        case .resourceExhausted: "RESOURCE_EXHAUSTED"
        case .failedPrecondition: "FAILED_PRECONDITION"
        case .aborted: "ABORTED"
        case .outOfRange: "OUT_OF_RANGE"
        case .unimplemented: "UNIMPLEMENTED"
        case .internalError: "INTERNAL"
        case .unavailable: "UNAVAILABLE"
        case .dataLoss: "DATA_LOSS"
        case .unauthenticated: "UNAUTHENTICATED"
        }
    }
}

/// An error that has a gRPC status of its own: several of them have the same form as a ``ServiceError``.
package protocol CallStatusConvertible: Error {
    /// The status.
    var callStatus: CallStatus { get }
}
