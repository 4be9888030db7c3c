import GRPCCore
import ServiceKit
import ServiceKitProtobuf

/// The form of errors over REST: the document, and the HTTP status.
enum ErrorForm: String, Codable, Sendable, CaseIterable {
    /// go-kratos's: `{"code":404,"reason":"USER_NOT_FOUND","message":"…","metadata":{}}`.
    case kratos
    /// That of `google.rpc.Status`: `{"code":5,"message":"…","details":[…]}`.
    case google

    func status(of error: CallError) -> Int {
        switch self {
        case .kratos: error.serviceError.code.rawValue
        case .google: error.isCodeExact ? error.serviceError.code.rawValue : error.connectStatus
        }
    }

    func document(of error: CallError) -> JSONValue {
        switch self {
        case .kratos: error.kratosJSON
        case .google: error.googleJSON
        }
    }

    /// The document of an error that stands for no error of a call.
    ///
    /// - Parameters:
    ///   - status: The HTTP status.
    ///   - message: The error in words.
    func document(status: Int, _ message: String) -> JSONValue {
        switch self {
        case .kratos:
            .object([
                .init("code", .number(String(status))),
                .init("reason", .string(Self.reasons[status] ?? "UNKNOWN")),
                .init("message", .string(message)),
                .init("metadata", .object([])),
            ])
        case .google:
            .object([
                .init("code", .number(String(Self.codes[status] ?? .invalidArgument))),
                .init("message", .string(message)),
                .init("details", .array([])),
            ])
        }
    }

    private static let reasons = [
        400: "INVALID_ARGUMENT", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED",
        406: "NOT_ACCEPTABLE", 408: "REQUEST_TIMEOUT", 413: "REQUEST_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE",
        417: "EXPECTATION_FAILED", 426: "UPGRADE_REQUIRED", 431: "REQUEST_HEAD_TOO_LARGE", 501: "UNIMPLEMENTED",
        503: "UNAVAILABLE", 505: "HTTP_VERSION_NOT_SUPPORTED",
    ]

    private static let codes: [Int: CallStatus] = [
        403: .permissionDenied, 404: .notFound, 405: .unimplemented, 408: .deadlineExceeded,
        413: .resourceExhausted, 426: .unimplemented, 431: .resourceExhausted, 501: .unimplemented,
        503: .unavailable, 505: .unimplemented,
    ]
}

extension String {
    fileprivate init(_ status: CallStatus) { self = String(status.rawValue) }
}
