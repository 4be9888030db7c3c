import GRPCCore
import ServiceKitHTTP2

/// Understands a response: which header block is its metadata and which its status.
///
/// | state | part | state | reading |
/// |---|---|---|---|
/// | awaiting metadata | an informational head | the same | skip |
/// | awaiting metadata | a head | awaiting messages | the metadata |
/// | awaiting metadata | a head that ends the stream | ended | the status |
/// | awaiting metadata | a head of another protocol, an HTTP error | ended | the status that it means |
/// | awaiting messages | a message | the same | the message |
/// | awaiting messages | trailers | ended | the status |
/// | awaiting metadata | a message | ended | a failure |
/// | awaiting messages | a second head, a message that is too large | ended | a failure |
/// | awaiting metadata, awaiting messages | the end | ended | a status that says so |
/// | ended | anything | ended | the end |
struct ResponseReader: Sendable {
    enum Reading {
        case part(RPCResponsePart<[UInt8]>)
        /// Nothing follows.
        case end
        /// Nothing that the caller is to see.
        case skip
        /// The response makes no sense.
        case failed(RPCError)
        /// The answer is not one of gRPC, which means this status.
        case ended(Status)
    }

    /// How the messages are compressed that are.
    private var encoding: MessageEncoding? = .identity
    private var encodingName = ""

    private enum State {
        case awaitingMetadata
        case awaitingMessages
        case ended
    }

    /// A header block, sorted.
    private struct Head: ~Copyable {
        var httpStatus: Int?
        var contentType: String?
        var isGRPC = false
        var code: Status.Code?
        var message = ""
        var metadata = Metadata()
        var encoding: MessageEncoding? = .identity
        var encodingName = ""

        init(_ block: HeaderBlock) throws(MetadataError) {
            try block.forEach { name, value throws(MetadataError) in
                if name.equals(":status") {
                    httpStatus = value.decimal
                } else if name.equals("content-type") {
                    isGRPC = RequestHead.isGRPC(value)
                    if !isGRPC {
                        contentType = String(decoding: value, as: UTF8.self)
                    }
                } else if name.equals("grpc-status") {
                    // A code that is not known means an error that is not known.
                    code = value.decimal.flatMap(Status.Code.init) ?? .unknown
                } else if name.equals("grpc-message") {
                    message = StatusMessage.decode(value)
                } else if name.equals("grpc-encoding") {
                    encoding = MessageEncoding(value)
                    encodingName = String(decoding: value, as: UTF8.self)
                } else if !HeaderName.isReserved(name) {
                    try metadata.add(name: name, value: value)
                }
            }
        }
    }

    private let peer: String
    private let maxMessageBytes: Int?
    private let readableEncodings: MessageEncodings
    private var state = State.awaitingMetadata

    init(peer: String, maxMessageBytes: Int?, readableEncodings: MessageEncodings) {
        self.peer = peer
        self.maxMessageBytes = maxMessageBytes
        self.readableEncodings = readableEncodings
    }

    /// How the messages are compressed that are.
    ///
    /// - Throws: `unknownEncoding` if they cannot be read. A response without messages, for instance an error, can be read.
    var messageEncoding: MessageEncoding {
        get throws(MessageError) {
            guard let encoding, readableEncodings.contains(encoding) else {
                throw .unknownEncoding(encodingName)
            }
            return encoding
        }
    }

    /// Whether all that there is was read.
    var hasEnded: Bool {
        if case .ended = state { true } else { false }
    }

    mutating func read(_ part: InboundPart?) -> Reading {
        switch (state, part) {
        case (.ended, _):
            return .end
        case (_, .none):
            return end(.unknown, "the response ended without a status")
        case (.awaitingMetadata, .body):
            return fail("the response began with a message")
        case (.awaitingMessages, .body(let piece)):
            let message = piece.bytes
            if let limit = maxMessageBytes, message.count > limit {
                state = .ended
                let failure = StreamFailure.bodyTooLarge(.message, bytes: message.count, max: limit)
                return .failed(failure.rpcError(peer: peer))
            }
            return .part(.message(message))
        case (_, .headers(let block, let endStream)):
            do throws(MetadataError) {
                return self.read(try Head(block), endStream: endStream)
            } catch {
                state = .ended
                return .failed(StreamFailure.refused(error.description).rpcError(peer: peer))
            }
        }
    }

    private mutating func read(_ head: consuming Head, endStream: Bool) -> Reading {
        if case .awaitingMetadata = state {
            // An informational response precedes the response proper.
            if let status = head.httpStatus, (100..<200).contains(status), !endStream { return .skip }
            if let status = head.httpStatus, status != 200, head.code == nil {
                return end(Status(httpStatusCode: status))
            }
            if !head.isGRPC, head.code == nil {
                let type = head.contentType.map { "content type \"\($0)\"" } ?? "no content type"
                return end(.unknown, "the response has \(type), not application/grpc")
            }
        }
        guard endStream else {
            guard case .awaitingMetadata = state else { return fail("the response has metadata twice") }
            encoding = head.encoding
            encodingName = head.encodingName
            state = .awaitingMessages
            return .part(.metadata(head.metadata))
        }
        guard let code = head.code else {
            return end(.unknown, "the response ended without a status")
        }
        state = .ended
        return .part(.status(Status(code: code, message: head.message), head.metadata))
    }

    private mutating func fail(_ reason: String) -> Reading {
        state = .ended
        return .failed(StreamFailure.protocolViolation(reason).rpcError(peer: peer))
    }

    private mutating func end(_ code: Status.Code, _ reason: String) -> Reading {
        self.end(Status(code: code, message: "\(peer): \(reason)"))
    }

    private mutating func end(_ status: Status) -> Reading {
        state = .ended
        return .ended(status)
    }
}
