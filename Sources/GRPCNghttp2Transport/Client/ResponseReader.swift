import GRPCCore

/// Understands a response: which header block is its metadata and which its status.
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
    private struct Head {
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
                    self.httpStatus = value.decimal
                } else if name.equals("content-type") {
                    self.isGRPC = RequestHead.isGRPC(value)
                    if !self.isGRPC {
                        self.contentType = String(decoding: value, as: UTF8.self)
                    }
                } else if name.equals("grpc-status") {
                    // A code that is not known means an error that is not known.
                    self.code = value.decimal.flatMap(Status.Code.init) ?? .unknown
                } else if name.equals("grpc-message") {
                    self.message = StatusMessage.decode(value)
                } else if name.equals("grpc-encoding") {
                    self.encoding = MessageEncoding(value)
                    self.encodingName = String(decoding: value, as: UTF8.self)
                } else if !HeaderName.isReserved(name) {
                    try self.metadata.add(name: name, value: value)
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
    /// - Throws: `unknownEncoding` if they cannot be read. A response that has none, be it an error, can be.
    var messageEncoding: MessageEncoding {
        get throws(StreamFailure) {
            guard let encoding, self.readableEncodings.contains(encoding) else {
                throw .unknownEncoding(self.encodingName)
            }
            return encoding
        }
    }

    /// Whether all that there is was read.
    var hasEnded: Bool {
        if case .ended = self.state { true } else { false }
    }

    mutating func read(_ part: InboundPart?) -> Reading {
        switch (self.state, part) {
        case (.ended, _):
            return .end
        case (_, .none):
            return self.end(.unknown, "the response ended without a status")
        case (.awaitingMetadata, .message):
            return self.fail("the response began with a message")
        case (.awaitingMessages, .message(let message, _)):
            if let limit = self.maxMessageBytes, message.count > limit {
                self.state = .ended
                let failure = StreamFailure.messageTooLarge(bytes: message.count, limit: limit)
                return .failed(failure.rpcError(peer: self.peer))
            }
            return .part(.message(message))
        case (_, .headers(let block, let endStream)):
            do throws(MetadataError) {
                return self.read(try Head(block), endStream: endStream)
            } catch {
                self.state = .ended
                return .failed(StreamFailure.refused(error.description).rpcError(peer: self.peer))
            }
        }
    }

    private mutating func read(_ head: Head, endStream: Bool) -> Reading {
        if case .awaitingMetadata = self.state {
            // An informational response precedes the response proper.
            if let status = head.httpStatus, (100..<200).contains(status), !endStream { return .skip }
            if let status = head.httpStatus, status != 200, head.code == nil {
                return self.end(Status(httpStatusCode: status))
            }
            if !head.isGRPC, head.code == nil {
                let type = head.contentType.map { "content type \"\($0)\"" } ?? "no content type"
                return self.end(.unknown, "the response has \(type), not application/grpc")
            }
        }
        guard endStream else {
            guard case .awaitingMetadata = self.state else { return self.fail("the response has metadata twice") }
            self.encoding = head.encoding
            self.encodingName = head.encodingName
            self.state = .awaitingMessages
            return .part(.metadata(head.metadata))
        }
        guard let code = head.code else {
            return self.end(.unknown, "the response ended without a status")
        }
        self.state = .ended
        return .part(.status(Status(code: code, message: head.message), head.metadata))
    }

    private mutating func fail(_ reason: String) -> Reading {
        self.state = .ended
        return .failed(StreamFailure.protocolViolation(reason).rpcError(peer: self.peer))
    }

    private mutating func end(_ code: Status.Code, _ reason: String) -> Reading {
        self.end(Status(code: code, message: "\(self.peer): \(reason)"))
    }

    private mutating func end(_ status: Status) -> Reading {
        self.state = .ended
        return .ended(status)
    }
}
