import GRPCCore
import ServiceKit
import ServiceKitHTTP2

/// Writes the responses of a call by WebSocket.
///
/// | state | event | state | effect |
/// |---|---|---|---|
/// | not begun | the head; a message | begun | the handshake is answered with 101, and the metadata |
/// | not begun | the end, with an error | ended | the handshake is refused, as a request over REST |
/// | begun | a message | begun | a message |
/// | begun | the end, with an error | ended | the sign of the error; 1008 if the client is to blame, else 1011 |
/// | any | the end | ended | the normal end |
struct WebSocketResponse: ResponseWriter {
    private let handshake: WebSocketHandshake
    private let form: WebSocketForm
    private let errors: ErrorForm
    private var hasBegun = false

    init(_ handshake: WebSocketHandshake, _ form: WebSocketForm, errors: ErrorForm) {
        self.handshake = handshake
        self.form = form
        self.errors = errors
    }

    mutating func begin(_ metadata: Metadata) -> ResponseParts {
        guard !hasBegun else { return .none }
        hasBegun = true
        var head = handshake.head
        head.appendSendable(metadata)
        return ResponseParts(head: head)
    }

    mutating func write(_ message: [UInt8]) throws -> ResponseParts {
        var parts = begin([:])
        parts.body = try form.encode(message).piece
        return parts
    }

    mutating func end(_ status: Status, _ trailers: Metadata) -> ResponseParts {
        guard let error = CallError(status, trailers) else {
            var parts = begin([:])
            parts.end = .data
            return parts
        }
        guard hasBegun else { return refusal(error) }
        let isClients = (400..<500).contains(error.serviceError.code.rawValue)
        let close = WebSocketClose(isClients ? .policyViolation : .serverError, error.serviceError.reason)
        return ResponseParts(body: WebSocketSign.error(error, errors).piece, end: close.end)
    }

    private func refusal(_ error: CallError) -> ResponseParts {
        let body = RESTBody(error, errors)
        var head = HeaderBlock(status: errors.status(of: error))
        head.append(name: "content-type", value: body.contentType)
        head.append(error)
        head.append(name: "content-length", value: String(body.bytes.count))
        return ResponseParts(head: head, body: body.bytes, end: .data)
    }
}
