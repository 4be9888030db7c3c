import GRPCCore
import HTTPTypes
import ServiceKit
import ServiceKitHTTP2
import ServiceKitProtobuf

/// Writes the response of a unary call over REST: one document, and for an error its status and its document.
struct RESTResponse: ResponseWriter {
    private let form: RESTForm
    private let compression: BodyCompression?
    private var metadata = Metadata()
    private var body = RESTBody(contentType: "application/json", bytes: [])

    /// - Parameters:
    ///   - form: The form of responses.
    ///   - compression: Compresses the body, if that is turned on.
    init(_ form: RESTForm, _ compression: BodyCompression?) {
        self.form = form
        self.compression = compression
    }

    mutating func begin(_ metadata: Metadata) -> ResponseParts {
        self.metadata = metadata
        return .none
    }

    mutating func write(_ message: [UInt8]) throws -> ResponseParts {
        body = try form.encode(message)
        return .none
    }

    mutating func end(_ status: Status, _ trailers: Metadata) -> ResponseParts {
        let error = CallError(status, trailers)
        if let error { body = RESTBody(error, form.errors) }
        var code = error.map(form.errors.status) ?? 200
        var headers = HTTPFields()
        if !form.adjustments.isEmpty {
            var reply = RESTReply(
                operation: form.operation, error: error?.serviceError, status: .init(code: code),
                contentType: body.contentType, body: body.bytes)
            for adjust in form.adjustments { adjust(&reply) }
            (code, headers) = (reply.status.code, reply.headers)
            body = RESTBody(contentType: reply.contentType, bytes: reply.body)
        }
        var head = HeaderBlock(status: code)
        head.appendSendable(metadata)
        if let error { head.append(error) } else { head.appendSendable(trailers) }
        head.append(headers)
        guard code != 204 else { return ResponseParts(head: head, end: .data) }
        let type = body.sendableType
        head.append(name: "content-type", value: type)
        compression?.apply(to: &body.bytes, of: type, &head)
        head.append(name: "content-length", number: body.bytes.count)
        return ResponseParts(head: head, body: body.bytes, end: .data)
    }
}

/// A body with its type.
struct RESTBody: Sendable, Hashable {
    var contentType: String
    var bytes: [UInt8]

    /// The type, as a head can have it. A handler may have it from a stranger: one with a line's end would write headers of its
    /// own.
    var sendableType: String {
        contentType.utf8.contains { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f } ? "application/octet-stream" : contentType
    }
}

extension RESTBody {
    /// The document of an error.
    init(_ error: CallError, _ form: ErrorForm) {
        self.init(contentType: "application/json", bytes: Array(form.document(of: error).text.utf8))
    }
}
