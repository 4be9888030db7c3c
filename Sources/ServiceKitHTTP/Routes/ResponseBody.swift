/// The body of a response.
public struct ResponseBody: Sendable {
    /// Writes a body piece by piece.
    public typealias Write = @Sendable (_ body: ResponseBodyWriter) async throws -> Void

    enum Content: Sendable {
        case bytes([UInt8])
        case stream(length: Int?, Write)
    }

    let content: Content

    /// No body.
    public static let none = bytes([])

    /// A body that is there as a whole.
    public static func bytes(_ bytes: [UInt8]) -> ResponseBody { ResponseBody(content: .bytes(bytes)) }

    /// A body that is written piece by piece, while the client reads. The status and the headers are sent before.
    ///
    /// An error that `write` throws breaks the response off: the client sees that the response is not whole.
    ///
    /// - Parameters:
    ///   - length: The number of bytes, if it is known. Fewer bytes break the response off; more are refused.
    ///   - write: Writes the body.
    public static func stream(length: Int? = nil, _ write: @escaping Write) -> ResponseBody {
        ResponseBody(content: .stream(length: length, write))
    }
}

/// Writes the body of a response piece by piece.
public struct ResponseBodyWriter: Sendable {
    /// The largest piece that is sent at a time.
    private static let pieceBytes = 64 * 1024

    private let send: @Sendable (_ piece: [UInt8]) async throws -> Void

    init(_ send: @escaping @Sendable (_ piece: [UInt8]) async throws -> Void) {
        self.send = send
    }

    /// Writes bytes. Waits while the client takes no more.
    ///
    /// - Throws: An error if the client has left, the time of the request is over, or the body is longer than was said.
    public func write(_ bytes: [UInt8]) async throws {
        guard bytes.count > Self.pieceBytes else {
            if !bytes.isEmpty { try await send(bytes) }
            return
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            try await send(Array(rest.prefix(Self.pieceBytes)))
            rest = rest.dropFirst(Self.pieceBytes)
        }
    }

    /// Writes text.
    ///
    /// - Throws: As ``write(_:)-([UInt8])`` does.
    public func write(_ text: String) async throws { try await write(Array(text.utf8)) }
}
