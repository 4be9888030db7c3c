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

    /// An error that stands for no error of a call.
    ///
    /// - Parameters:
    ///   - status: The status.
    ///   - message: The error in words.
    ///   - form: The form of the document.
    static func error(_ status: Int, _ message: String, _ form: ErrorForm) -> PlainResponse {
        let document = form.document(status: status, message)
        return PlainResponse(status: status, contentType: "application/json", body: document.text)
    }

    /// The head and the body.
    var parts: (fields: HeaderBlock, body: [UInt8]) {
        var head = HeaderBlock(status: status)
        head.append(fields)
        if status != 204 { head.append(name: "content-length", number: body.count) }
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
