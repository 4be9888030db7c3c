import NIOCore
import NIOHTTP1

/// Writes responses in the form of HTTP/1.1 (RFC 9112, sections 4, 6 and 7). A small response is one buffer.
struct HTTP1ResponseWriter {
    /// The way in which a client finds the end of a body.
    enum Framing {
        /// There is no body: the status has none, or the request was HEAD.
        case none
        /// The header `content-length` tells.
        case length
        case chunked
        /// The connection closes: HTTP/1.0 has no chunks.
        case close
    }

    /// The things that a head depends on, beside its own fields.
    struct Context {
        /// The length of the whole body, if it is known.
        var bodyBytes: Int?
        var isHeadRequest = false
        var isHTTP10 = false
        /// Whether the connection closes behind the response.
        var isClosing = false
    }

    /// The digits of a chunk's size where it is written before the chunk is known.
    private static let sizeDigits = 8
    /// The bytes around a chunk, its size included.
    static let chunkOverhead = sizeDigits + 4

    private(set) var framing = Framing.none

    /// Writes a head.
    ///
    /// - Parameters:
    ///   - block: The head in HTTP/2's form.
    ///   - context: The things that it depends on.
    ///   - buffer: Gets the head.
    /// - Returns: Whether the connection closes behind the response.
    mutating func write(head block: HeaderBlock, _ context: Context, to buffer: inout ByteBuffer) -> Bool {
        let status = Self.writeStatus(of: block, to: &buffer)
        let mayHaveBody = status.mayHaveResponseBody
        var hasLength = false
        block.forEach { name, value in
            if name.first == UInt8(ascii: ":") { return }
            if name.equals("content-length") {
                // A status without a body has no length either.
                guard mayHaveBody else { return }
                hasLength = true
            }
            Self.write(name, value, to: &buffer)
        }
        var isClosing = context.isClosing
        if !mayHaveBody {
            framing = .none
        } else if hasLength {
            framing = .length
        } else if let bodyBytes = context.bodyBytes {
            framing = .length
            buffer.writeStaticString("content-length: ")
            buffer.writeString(String(bodyBytes))
            buffer.writeStaticString("\r\n")
        } else if context.isHTTP10 {
            framing = .close
            isClosing = true
        } else {
            framing = .chunked
            buffer.writeStaticString("transfer-encoding: chunked\r\n")
        }
        if context.isHeadRequest { framing = .none }
        if isClosing {
            buffer.writeStaticString("connection: close\r\n")
        } else if context.isHTTP10 {
            buffer.writeStaticString("connection: keep-alive\r\n")
        }
        buffer.writeStaticString("\r\n")
        return isClosing
    }

    /// Writes the head of a response 101.
    ///
    /// - Parameters:
    ///   - block: The head in HTTP/2's form.
    ///   - name: The protocol that the connection changes to.
    ///   - buffer: Gets the head.
    static func write(switching block: HeaderBlock, to name: String, to buffer: inout ByteBuffer) {
        _ = writeStatus(of: block, to: &buffer)
        block.forEach { name, value in
            if name.first != UInt8(ascii: ":") { write(name, value, to: &buffer) }
        }
        buffer.writeStaticString("upgrade: ")
        buffer.writeString(name)
        buffer.writeStaticString("\r\nconnection: Upgrade\r\n\r\n")
    }

    // MARK: - The body

    /// Reads what an exchange has of the body, up to a number of bytes.
    ///
    /// - Returns: The number of bytes, and the end behind them if there is one.
    static func read(
        _ exchange: HTTP1Exchange, _ limit: Int, to buffer: inout ByteBuffer
    ) -> (count: Int, end: StreamEnd?) {
        var end: StreamEnd?
        let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: limit) { room in
            let result = exchange.read(into: UnsafeMutableRawBufferPointer(rebasing: room.prefix(limit)))
            end = result.end
            return result.count
        }
        return (count, end)
    }

    /// Writes a piece of the body.
    func write(piece: inout ByteBuffer, to buffer: inout ByteBuffer) {
        if piece.readableBytes == 0 { return }
        switch framing {
        case .none:
            break
        case .chunked:
            buffer.writeString(String(piece.readableBytes, radix: 16))
            buffer.writeStaticString("\r\n")
            buffer.writeBuffer(&piece)
            buffer.writeStaticString("\r\n")
        case .length, .close:
            buffer.writeBuffer(&piece)
        }
    }

    /// Reads a piece of the body where it is sent from, without a copy.
    ///
    /// - Returns: The number of bytes, and the end behind them if there is one.
    func writePiece(
        of exchange: HTTP1Exchange, upTo limit: Int, to buffer: inout ByteBuffer
    ) -> (count: Int, end: StreamEnd?) {
        let start = buffer.writerIndex
        if case .chunked = framing { buffer.writeRepeatingByte(UInt8(ascii: "0"), count: Self.sizeDigits + 2) }
        let (count, end) = Self.read(exchange, limit, to: &buffer)
        switch framing {
        case .length, .close:
            break
        case .chunked where count > 0:
            // The zeros before the other digits are allowed (RFC 9112, section 7.1).
            let digits = String(count, radix: 16) + "\r\n"
            buffer.setString(digits, at: start + Self.sizeDigits + 2 - digits.utf8.count)
            buffer.writeStaticString("\r\n")
        case .chunked, .none:
            buffer.moveWriterIndex(to: start)
        }
        return (count, end)
    }

    /// Writes the end of a response, with its trailers.
    func writeEnd(_ trailers: HeaderBlock?, to buffer: inout ByteBuffer) {
        guard case .chunked = framing else { return }
        buffer.writeStaticString("0\r\n")
        trailers?.forEach { Self.write($0, $1, to: &buffer) }
        buffer.writeStaticString("\r\n")
    }

    // MARK: - Lines

    private static func writeStatus(of block: HeaderBlock, to buffer: inout ByteBuffer) -> HTTPResponseStatus {
        var code = 500
        block.forEach { name, value in
            if name.equals(":status"), let digits = value.digits { code = digits }
        }
        if code == 200 {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
            return .ok
        }
        let status = HTTPResponseStatus(statusCode: code)
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(String(code))
        buffer.writeStaticString(" ")
        buffer.writeString(status.reasonPhrase)
        buffer.writeStaticString("\r\n")
        return status
    }

    private static func write(
        _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, to buffer: inout ByteBuffer
    ) {
        buffer.writeBytes(name)
        buffer.writeStaticString(": ")
        if value.contains(where: isControl) {
            // The value would end its line, and begin others.
            buffer.writeBytes(value.lazy.map { isControl($0) ? UInt8(ascii: " ") : $0 })
        } else {
            buffer.writeBytes(value)
        }
        buffer.writeStaticString("\r\n")
    }

    private static func isControl(_ byte: UInt8) -> Bool {
        byte < 0x20 && byte != 0x09 || byte == 0x7f
    }
}
