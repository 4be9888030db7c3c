import NIOCore
import NIOHTTP1

/// The body of a response, as far as it is there.
protocol ResponseBodySource {
    /// The bytes that can be read.
    var availableBytes: Int { get }
    /// Moves bytes into `buffer`. Behind the last ones comes the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, end: StreamEnd?)
}

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

    /// The most bytes around a chunk: sixteen digits of its size, and two ends of lines.
    static let chunkOverhead = 16 + 4

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

    /// Writes the part of a body that is there, up to a number of bytes.
    ///
    /// - Returns: The number of bytes that were taken, and the end behind them if there is one.
    func writePiece(
        of body: some ResponseBodySource, upTo limit: Int, to buffer: inout ByteBuffer
    ) -> (count: Int, end: StreamEnd?) {
        switch framing {
        case .length, .close:
            return Self.read(body, limit, to: &buffer)
        case .none:
            let start = buffer.writerIndex
            defer { buffer.moveWriterIndex(to: start) }
            return Self.read(body, limit, to: &buffer)
        case .chunked:
            let count = min(body.availableBytes, limit)
            guard count > 0 else { return Self.read(body, 0, to: &buffer) }
            buffer.writeString(String(count, radix: 16))
            buffer.writeStaticString("\r\n")
            let result = Self.read(body, count, to: &buffer)
            buffer.writeStaticString("\r\n")
            return result
        }
    }

    /// Reads a part of the body to where it is sent from.
    private static func read(
        _ body: some ResponseBodySource, _ limit: Int, to buffer: inout ByteBuffer
    ) -> (count: Int, end: StreamEnd?) {
        var end: StreamEnd?
        let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: limit) { room in
            let result = body.read(into: UnsafeMutableRawBufferPointer(rebasing: room.prefix(limit)))
            end = result.end
            return result.count
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
        let size = name.count + value.count + 4
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { line in
            line.copyMemory(from: UnsafeRawBufferPointer(name))
            line[name.count] = UInt8(ascii: ":")
            line[name.count + 1] = UInt8(ascii: " ")
            let start = name.count + 2
            for index in value.indices {
                // A control character could end the line, and begin others.
                line[start + index] = isControl(value[index]) ? UInt8(ascii: " ") : value[index]
            }
            line[size - 2] = UInt8(ascii: "\r")
            line[size - 1] = UInt8(ascii: "\n")
            return size
        }
    }

    private static func isControl(_ byte: UInt8) -> Bool {
        byte < 0x20 && byte != 0x09 || byte == 0x7f
    }
}
