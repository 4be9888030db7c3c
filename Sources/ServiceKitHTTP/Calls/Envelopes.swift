import GRPCCore
import GRPCNghttp2Transport
import ServiceKitHTTP2

/// Reads a request whose body is a row of messages, each behind five bytes with its flags and its length.
struct Envelopes: RequestReader {
    private let form: MessageForm
    private let encoding: MessageEncoding
    private let maxBytes: Int
    private var deframer: MessageDeframer
    /// The messages that are complete, the first one last.
    private var messages: [[UInt8]] = []

    init(_ form: MessageForm, encoding: MessageEncoding, maxBytes: Int) {
        self.form = form
        self.encoding = encoding
        self.maxBytes = maxBytes
        deframer = MessageDeframer(maxMessageBytes: maxBytes)
    }

    mutating func receive(_ bytes: [UInt8]) throws {
        var pieces: [BodyPiece] = []
        do throws(StreamFailure) {
            try bytes.withUnsafeBufferPointer { bytes throws(StreamFailure) in
                var rest = UnsafeRawBufferPointer(bytes)
                while let piece = try deframer.next(from: &rest) { pieces.append(piece) }
            }
        } catch {
            if case .bodyTooLarge = error { throw RPCError.tooLarge(limit: maxBytes) }
            throw RPCError(code: .invalidArgument, message: "the body is not a row of messages")
        }
        for piece in pieces.reversed() {
            let bytes = piece.isCompressed ? try encoding.decompress(piece.bytes, limit: maxBytes) : piece.bytes
            messages.append(try form.decode(bytes))
        }
    }

    func finish() throws {
        guard !deframer.isInsidePiece else {
            throw RPCError(code: .invalidArgument, message: "the body ends in the middle of a message")
        }
    }

    mutating func next() -> [UInt8]? { messages.popLast() }
}

extension Array where Element == UInt8 {
    /// Appends a message behind its flags and its length.
    mutating func appendEnvelope(flags: UInt8, _ message: some Collection<UInt8>) {
        let length = UInt32(truncatingIfNeeded: message.count)
        reserveCapacity(count + 5 + message.count)
        append(flags)
        Swift.withUnsafeBytes(of: length.bigEndian) { append(contentsOf: $0) }
        append(contentsOf: message)
    }
}
