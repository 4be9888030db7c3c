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
///
/// A stream of `google.api.HttpBody` has no form: its bytes are sent one after the other, with the type of the first message.
/// An error then breaks the response off.
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

        /// The accepted type of a stream with the greatest weight, the first of several (RFC 9110, section 12.5.1); lines for a
        /// caller that does not mind.
        init(accept: String) {
            self = .lines
            var best = 0.0
            for item in accept.split(separator: ",") {
                let parts = item.split(separator: ";").map { $0.trimmingSpaces.lowercased() }
                let format: Format
                switch parts.first {
                case "text/event-stream": format = .events
                case "application/json": format = .array
                case "application/x-ndjson", "application/jsonl": format = .lines
                default: continue
                }
                let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
                if weight > best { (self, best) = (format, weight) }
            }
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
        return format == .events && !form.isRaw ? ResponseParts(head: takeHead()) : .none
    }

    mutating func write(_ message: [UInt8]) throws -> ResponseParts {
        let body = try form.encode(message)
        let head = takeHead(body)
        return ResponseParts(head: head, body: coded(form.isRaw ? body.bytes : part(body.bytes, event: "message")))
    }

    mutating func end(_ status: Status, _ trailers: Metadata) -> ResponseParts {
        let error = CallError(status, trailers)
        if let error, !hasSentHead {
            var response = RESTResponse(form, compression)
            _ = response.begin(metadata)
            return response.end(error.status, trailers)
        }
        if form.isRaw, error != nil { return ResponseParts(isBroken: true) }
        var parts = ResponseParts(head: takeHead(), end: .data)
        if form.isRaw {
            parts.body = coded([], isLast: true)
            return parts
        }
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

    /// The head, once.
    ///
    /// - Parameter first: The first message.
    private mutating func takeHead(
        _ first: RESTBody = RESTBody(contentType: "application/octet-stream", bytes: [])
    ) -> HeaderBlock? {
        guard !hasSentHead else { return nil }
        hasSentHead = true
        var head = HeaderBlock(status: 200)
        let type = form.isRaw ? first.sendableType : format.contentType
        head.append(name: "content-type", value: type)
        // No cache or proxy on the way may keep parts of it back.
        if format == .events, !form.isRaw { head.append(name: "cache-control", value: "no-cache") }
        head.append(name: "x-accel-buffering", value: "no")
        head.appendSendable(metadata)
        compressor = compression?.stream(of: type, &head)
        return head
    }
}

extension Substring {
    /// The text without spaces around it.
    fileprivate var trimmingSpaces: Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
