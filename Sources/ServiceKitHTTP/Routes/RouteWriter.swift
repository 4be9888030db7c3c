import GRPCCore
import GRPCNghttp2Transport
import HTTPTypes
import ServiceKit
import ServiceKitHTTP2
import Synchronization

/// Writes the response of a route.
///
/// | state | event | state | effect |
/// |---|---|---|---|
/// | no head | the body is a stream | sent | the head is sent |
/// | no head | the whole body | sent | the head is sent with the body |
/// | no head | the end, with an error | sent | the error's response is sent |
/// | sent | bytes | sent | the bytes are sent, unless they are more than the head has said |
/// | sent | the end, with an error or too few bytes | broken off | the client sees that the response is not whole |
struct RouteWriter: ResponseWriter {
    private let answer: RouteAnswer
    private let isHead: Bool
    private let errors: ErrorForm
    private let compression: BodyCompression?
    private var metadata = Metadata()
    private var hasSentHead = false
    /// Whether the response has a body on the wire, once its head is made.
    private var bodyIsSent = false
    /// Compresses a stream of unknown length.
    private var compressor: StreamCompressor?
    /// The bytes that are to come; `nil` if that is not known.
    private var remaining: Int?

    /// - Parameters:
    ///   - answer: Gets the head from the handler.
    ///   - request: The request.
    init(_ answer: RouteAnswer, to request: borrowing IncomingRequest) {
        self.answer = answer
        isHead = request.fields.method == "HEAD"
        errors = request.errors
        compression = request.compression
    }

    mutating func begin(_ metadata: Metadata) -> ResponseParts {
        self.metadata = metadata
        guard let response = answer.stream, case .stream(let length, _) = response.body.content else { return .none }
        remaining = length
        var none: [UInt8] = []
        return ResponseParts(head: head(response, length: length, compressing: &none))
    }

    mutating func write(_ message: [UInt8]) throws -> ResponseParts {
        if !hasSentHead {
            guard let response = answer.response else { return .none }
            var body = message
            let head = head(response, length: message.count, compressing: &body)
            return ResponseParts(head: head, body: bodyIsSent ? body : [])
        }
        if let remaining {
            guard message.count <= remaining else {
                throw RPCError(
                    code: .internalError, message: "the body of the response is longer than its handler has said")
            }
            self.remaining = remaining - message.count
        }
        guard bodyIsSent else { return .none }
        return ResponseParts(body: compressor?.compress(message, isLast: false) ?? message)
    }

    mutating func end(_ status: Status, _ trailers: Metadata) -> ResponseParts {
        let error = CallError(status, trailers)
        guard hasSentHead else {
            guard let error else {
                // The handler has ended without a response: it was cancelled, and its caller has left.
                return ResponseParts(isBroken: true)
            }
            let body = RESTBody(error, errors)
            var head = HeaderBlock(status: errors.status(of: error))
            head.append(name: "content-type", value: body.contentType)
            head.appendSendable(metadata)
            head.append(error)
            head.append(name: "content-length", number: body.bytes.count)
            return ResponseParts(head: head, body: isHead ? [] : body.bytes, end: .data)
        }
        let isWhole = error == nil && (remaining ?? 0) == 0
        guard isWhole else { return ResponseParts(isBroken: true) }
        return ResponseParts(body: compressor?.compress([], isLast: true) ?? [], end: .data)
    }

    /// Makes the head.
    ///
    /// - Parameters:
    ///   - response: The response.
    ///   - length: The body's length, if it is known.
    ///   - body: The body, to be compressed, if it is there as a whole.
    private mutating func head(
        _ response: RouteResponse, length: Int?, compressing body: inout [UInt8]
    ) -> HeaderBlock {
        hasSentHead = true
        let status = response.status.code
        bodyIsSent = !isHead && status != 204 && status != 304
        var head = HeaderBlock(status: status)
        head.append(response.headers, exceptLength: length != nil)
        head.appendSendable(metadata)
        if let compression, bodyIsSent, response.headers[.contentEncoding] == nil {
            let type = response.headers[.contentType] ?? ""
            if length == nil {
                compressor = compression.stream(of: type, &head)
            } else if !body.isEmpty {
                compression.apply(to: &body, of: type, &head)
            }
        }
        guard let length else { return head }
        if status != 204, status != 304 || length > 0 {
            head.append(name: "content-length", number: body.isEmpty ? length : body.count)
        }
        return head
    }
}

/// The head of a route's response, on its way from the handler to the writer.
final class RouteAnswer: Sendable {
    private let value = Mutex<RouteResponse?>(nil)

    var response: RouteResponse? {
        get { value.withLock(\.self) }
        set { value.withLock { $0 = newValue } }
    }

    /// The response if its body is a stream.
    var stream: RouteResponse? {
        value.withLock { if case .stream? = $0?.body.content { $0 } else { nil } }
    }
}
