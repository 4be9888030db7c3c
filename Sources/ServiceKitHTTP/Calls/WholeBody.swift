import GRPCCore
import GRPCNghttp2Transport
import ServiceKitGRPC
import ServiceKitHTTP2

/// Reads a request whose body is one message.
struct WholeBody: RequestReader {
    private let form: MessageForm
    private let encoding: MessageEncoding
    private let maxBytes: Int
    private var body: [UInt8] = []
    private var message: [UInt8]?

    init(_ form: MessageForm, encoding: MessageEncoding, maxBytes: Int) {
        self.form = form
        self.encoding = encoding
        self.maxBytes = maxBytes
    }

    mutating func receive(_ bytes: [UInt8]) throws {
        guard body.count + bytes.count <= maxBytes else { throw RPCError.tooLarge(limit: maxBytes) }
        if body.isEmpty { body = bytes } else { body += bytes }
    }

    mutating func finish() throws {
        message = try form.decode(try encoding.decompress(body, limit: maxBytes))
        body = []
    }

    mutating func next() -> [UInt8]? {
        defer { message = nil }
        return message
    }
}

/// A request whose one message came with its head. A body is not read.
struct WholeHead: RequestReader {
    private var message: [UInt8]?

    init(_ message: [UInt8]) {
        self.message = message
    }

    mutating func receive(_ bytes: [UInt8]) {}

    mutating func finish() {}

    mutating func next() -> [UInt8]? {
        defer { message = nil }
        return message
    }
}

extension RPCError {
    /// The request is too large.
    static func tooLarge(limit: Int) -> RPCError {
        var metadata = Metadata()
        metadata.addString("413", forKey: RPCError.httpStatusName)
        return RPCError(
            code: .resourceExhausted, message: "the request is larger than \(limit) bytes", metadata: metadata)
    }
}

extension MessageEncoding {
    /// Decompresses a body, or one message.
    ///
    /// - Throws: `RPCError` if that cannot be done, or makes it too large.
    func decompress(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        guard bytes.count <= limit else { throw RPCError.tooLarge(limit: limit) }
        guard self != .identity, !bytes.isEmpty else { return bytes }
        do throws(StreamFailure) {
            return try Zlib.decompress(bytes, self, limit: limit)
        } catch {
            if case .bodyTooLarge = error { throw RPCError.tooLarge(limit: limit) }
            throw RPCError(code: .invalidArgument, message: "the body is not compressed as \(name)")
        }
    }
}
