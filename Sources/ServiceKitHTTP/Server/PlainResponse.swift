import ServiceKitHTTP2
import ServiceKitProtobuf

/// A response that is there as a whole.
struct PlainResponse {
    var status: Int
    var fields = HeaderBlock()
    var body: [UInt8] = []

    init(status: Int, fields: HeaderBlock = HeaderBlock()) {
        self.status = status
        self.fields = fields
    }

    init(status: Int, contentType: String, body: String) {
        self.status = status
        fields.append(name: "content-type", value: contentType)
        self.body = Array(body.utf8)
    }

    /// An error in the form of go-kratos.
    static func error(_ status: Int, _ message: String) -> PlainResponse {
        let document = JSONValue.object([
            .init("code", .number(String(status))),
            .init("reason", .string(reasons[status] ?? "UNKNOWN")),
            .init("message", .string(message)),
            .init("metadata", .object([])),
        ])
        return PlainResponse(status: status, contentType: "application/json", body: document.text)
    }

    /// The reasons of errors that stand for no error of a call.
    private static let reasons = [
        400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 406: "NOT_ACCEPTABLE",
        408: "REQUEST_TIMEOUT", 413: "REQUEST_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE", 417: "EXPECTATION_FAILED",
        431: "REQUEST_HEAD_TOO_LARGE", 501: "UNIMPLEMENTED", 503: "UNAVAILABLE", 505: "HTTP_VERSION_NOT_SUPPORTED",
    ]

    /// The head and the body.
    var parts: (fields: HeaderBlock, body: [UInt8]) {
        var head = HeaderBlock([":status": String(status)])
        head.append(fields)
        if status != 204 { head.append(name: "content-length", value: String(body.count)) }
        return (head, body)
    }

    /// Sends it. A client that has left needs no response.
    func send(to exchange: any HTTPExchange) {
        let (head, body) = parts
        do throws(StreamFailure) {
            try exchange.send(head: head, isEnd: body.isEmpty, isBodyNext: !body.isEmpty)
            guard !body.isEmpty else { return }
            exchange.send(lastBody: body)
            try exchange.send(end: .data)
        } catch {}
    }
}
