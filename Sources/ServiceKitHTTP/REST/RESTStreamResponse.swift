import GRPCCore
import GRPCNghttp2Transport
import ServiceKitHTTP2
import ServiceKitProtobuf

/// Writes a response over REST that is a stream of messages.
///
/// | state | event | state | effect |
/// |---|---|---|---|
/// | not begun | `begin` | begun | events: the head is sent |
/// | begun | a message | open | the head is sent if it was not, and the message |
/// | not begun, begun without a head | an error | ended | a response with the error's status |
/// | open | an error | ended | the error is the last part of the stream |
/// | any | the end | ended | the end of the format |
struct RESTStreamResponse: ResponseWriter {
    /// The form of a stream, which the request's `Accept` chooses.
    enum Format: Sendable, Hashable {
        /// One document a line (`application/x-ndjson`).
        case lines
        /// Events for a browser's `EventSource` (`text/event-stream`).
        case events
        /// One document that is an array.
        case array

        var contentType: String {
            switch self {
            case .lines: "application/x-ndjson"
            case .events: "text/event-stream"
            case .array: "application/json"
            }
        }

        /// The first of the accepted types that is one of a stream; lines for a caller that does not mind.
        init(accept: String) {
            for item in accept.split(separator: ",") {
                switch item.split(separator: ";").first?.trimmingSpaces.lowercased() {
                case "text/event-stream": self = .events
                case "application/json": self = .array
                case "application/x-ndjson", "application/jsonl": self = .lines
                default: continue
                }
                return
            }
            self = .lines
        }
    }

    private let format: Format
    private let form: RESTForm
    private let compression: BodyCompression?
    private var metadata = Metadata()
    private var hasSentHead = false
    private var isFirst = true
    private var compressor: StreamCompressor?

    /// - Parameters:
    ///   - format: The form of the stream.
    ///   - form: The form of its messages.
    ///   - compression: Compresses the stream, if that is turned on.
    init(_ format: Format, _ form: RESTForm, _ compression: BodyCompression?) {
        self.format = format
        self.form = form
        self.compression = compression
    }

    mutating func begin(_ metadata: Metadata) -> ResponseParts {
        self.metadata = metadata
        // A browser waits for the head. For others it waits for the first message, as an error may come in its place.
        return format == .events ? ResponseParts(head: takeHead()) : .none
    }

    mutating func write(_ message: [UInt8]) throws -> ResponseParts {
        let document = try form.encode(message).bytes
        let head = takeHead()
        return ResponseParts(head: head, body: coded(part(document, event: "message")))
    }

    mutating func end(_ status: Status, _ trailers: Metadata) -> ResponseParts {
        let error = CallError(status, trailers)
        if let error, !hasSentHead {
            var response = RESTResponse(form, compression)
            _ = response.begin(metadata)
            return response.end(error.status, trailers)
        }
        var parts = ResponseParts(head: takeHead(), end: .data)
        if let error {
            let document = form.errors.document(of: error)
            let whole = format == .events ? document : .object([.init("error", document)])
            parts.body = part(Array(whole.text.utf8), event: "error")
        }
        if format == .array { parts.body += (isFirst ? "[]" : "]").utf8 }
        parts.body = coded(parts.body, isLast: true)
        return parts
    }

    private func coded(_ bytes: [UInt8], isLast: Bool = false) -> [UInt8] {
        compressor?.compress(bytes, isLast: isLast) ?? bytes
    }

    private mutating func part(_ document: [UInt8], event: String) -> [UInt8] {
        defer { isFirst = false }
        return switch format {
        case .lines: document + "\n".utf8
        case .events: "event: \(event)\ndata: ".utf8 + document + "\n\n".utf8
        case .array: (isFirst ? "[" : ",").utf8 + document
        }
    }

    private mutating func takeHead() -> HeaderBlock? {
        guard !hasSentHead else { return nil }
        hasSentHead = true
        var head = HeaderBlock(status: 200)
        head.append(name: "content-type", value: format.contentType)
        // No cache or proxy on the way may keep parts of it back.
        if format == .events { head.append(name: "cache-control", value: "no-cache") }
        head.append(name: "x-accel-buffering", value: "no")
        head.appendSendable(metadata)
        compressor = compression?.stream(of: format.contentType, &head)
        return head
    }
}

extension Substring {
    /// The text without spaces around it.
    fileprivate var trimmingSpaces: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
