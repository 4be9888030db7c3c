/// The part of HTTP/2 (RFC 9113) that makes one gRPC call on a connection of its own.
enum HTTP2Frames {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let endStream: UInt8 = 0x1

    private static let settings: UInt8 = 4
    private static let endHeaders: UInt8 = 0x4

    /// The bytes that a client sends for one unary call: preface, settings, their acknowledgement, the request.
    static func call(path: String, message: [UInt8]) -> [UInt8] {
        let length = withUnsafeBytes(of: UInt32(message.count).bigEndian) { Array($0) }
        return Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
            + self.frame(self.settings, flags: 0, stream: 0, [])
            + self.frame(self.settings, flags: 0x1, stream: 0, [])
            + self.frame(self.headers, flags: self.endHeaders, stream: 1, self.requestHeaders(path: path))
            + self.frame(self.data, flags: self.endStream, stream: 1, [0] + length + message)
    }

    /// The header of the first frame in the received bytes; `nil` if the header is incomplete.
    static func firstHeader(_ bytes: ArraySlice<UInt8>) -> (type: UInt8, flags: UInt8, length: Int)? {
        guard bytes.count >= 9 else { return nil }
        let header = Array(bytes.prefix(9))
        return (header[3], header[4], Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2]))
    }

    private static func frame(_ type: UInt8, flags: UInt8, stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let length = payload.count
        let header = [UInt8(length >> 16 & 0xff), UInt8(length >> 8 & 0xff), UInt8(length & 0xff), type, flags]
        return header + [0, 0, 0, stream] + payload
    }

    /// The header fields of a request, by the static table of HPACK (RFC 7541, appendix A) and without indexing.
    private static func requestHeaders(path: String) -> [UInt8] {
        let post: UInt8 = 0x83
        let http: UInt8 = 0x86
        return [post, http, 0x04] + self.literal(path)
            + [0x01] + self.literal("localhost")
            + [0x0f, 0x10] + self.literal("application/grpc")
            + [0x00] + self.literal("te") + self.literal("trailers")
    }

    private static func literal(_ text: String) -> [UInt8] {
        [UInt8(text.utf8.count)] + text.utf8
    }
}
