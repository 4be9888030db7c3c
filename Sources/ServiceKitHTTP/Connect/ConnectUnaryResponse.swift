import GRPCCore
import ServiceKitHTTP2
import ServiceKitProtobuf

/// Writes the response of a unary call by Connect (https://connectrpc.com/docs/protocol#unary-request).
struct ConnectUnaryResponse: ResponseWriter {
    private let form: MessageForm
    private let contentType: String
    private let compression: BodyCompression?
    private var metadata = Metadata()
    private var body: [UInt8] = []

    /// - Parameters:
    ///   - form: The form of messages.
    ///   - contentType: The media type of a message.
    ///   - compression: Compresses the body, if that is turned on.
    init(_ form: MessageForm, contentType: String, _ compression: BodyCompression?) {
        self.form = form
        self.contentType = contentType
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
        var head = HeaderBlock(status: error?.connectStatus ?? 200)
        let type = error == nil ? contentType : "application/json"
        head.append(name: "content-type", value: type)
        head.appendSendable(metadata)
        if let error {
            head.append(error, as: .connectTrailers)
        } else {
            head.appendSendable(trailers, as: .connectTrailers)
        }
        if let error { body = Array(error.connectJSON.text.utf8) }
        compression?.apply(to: &body, of: type, &head)
        head.append(name: "content-length", value: String(body.count))
        return ResponseParts(head: head, body: body, end: .data)
    }
}
