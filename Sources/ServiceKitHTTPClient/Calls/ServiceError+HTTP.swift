internal import FoundationEssentials
internal import HTTPTypes
internal import ServiceKit

extension ServiceError {
    /// The error that a status means.
    ///
    /// - Parameters:
    ///   - status: The status, 400 or more.
    ///   - document: The body. If it has the form of go-kratos or of `google.rpc.Status`, it gives reason, message and
    ///     metadata; if it is text, the message.
    init(status: HTTPResponse.Status, document: [UInt8] = []) {
        let code = Code(rawValue: status.code)
        let reason = CallStatus(status).name
        if let form = try? JSONDecoder().decode(ErrorDocument.self, from: Data(document)) {
            let info = form.details?.first { $0.reason != nil }
            self.init(
                code,
                reason: form.reason ?? info?.reason ?? reason,
                message: form.message,
                metadata: form.metadata ?? info?.metadata ?? [:],
                violations: (form.details ?? []).flatMap { $0.fieldViolations ?? [] }.map {
                    FieldViolation(field: $0.field ?? "", description: $0.description ?? "")
                }
            )
        } else {
            let text = String(decoding: document.prefix(200), as: UTF8.self)
            let phrase = status.reasonPhrase.isEmpty ? "" : " " + status.reasonPhrase
            let message = "the server answered \(status.code)\(phrase)" + (text.isEmpty ? "" : ": \(text)")
            self.init(code, reason: reason, message: message)
        }
    }
}

/// An error's document, in the form of go-kratos, of `google.rpc.Status`, or of Connect.
private struct ErrorDocument: Decodable {
    struct Detail: Decodable {
        struct Violation: Decodable {
            var field: String?
            var description: String?
        }
        var reason: String?
        var metadata: [String: String]?
        var fieldViolations: [Violation]?
    }
    var message: String
    var reason: String?
    var metadata: [String: String]?
    var details: [Detail]?
}

extension CallStatus {
    /// The judgement of a call by its HTTP status: those of go-kratos, and of others that gateways answer with.
    init(_ status: HTTPResponse.Status) {
        self =
            switch status.code {
            case ..<400: .ok
            case 408: .deadlineExceeded
            case 410: .notFound
            case 502: .unavailable
            case let code:
                switch CallStatus(ServiceError.Code(rawValue: code)) {
                case .unknown where code < 500: .invalidArgument
                case let status: status
                }
            }
    }
}
