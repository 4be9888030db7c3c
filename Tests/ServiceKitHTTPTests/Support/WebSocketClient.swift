import Testing

/// A client of WebSocket that sends frames as the test makes them.
struct WebSocketClient: Sendable {
    struct Frame: Hashable, Sendable {
        /// The byte with the last bit, the reserved bits and the opcode.
        var head: UInt8
        var payload: [UInt8]

        static func text(_ text: String) -> Frame { Frame(head: 0x81, payload: Array(text.utf8)) }
        static func binary(_ bytes: [UInt8]) -> Frame { Frame(head: 0x82, payload: bytes) }
        static func close(_ code: UInt16, _ reason: String = "") -> Frame {
            Frame(head: 0x88, payload: [UInt8(code >> 8), UInt8(code & 0xff)] + reason.utf8)
        }
        static func ping(_ payload: [UInt8] = []) -> Frame { Frame(head: 0x89, payload: payload) }
        static func pong(_ payload: [UInt8] = []) -> Frame { Frame(head: 0x8a, payload: payload) }
        /// The sign of the end.
        static let end = text("\u{1e}end")

        var text: String { String(decoding: payload, as: UTF8.self) }

        /// The code of a Close.
        var code: Int? {
            guard head == 0x88, payload.count >= 2 else { return nil }
            return Int(payload[0]) << 8 | Int(payload[1])
        }

        /// The bytes of the frame, as a client sends them.
        var bytes: [UInt8] { bytes(length: payload.count) }

        func bytes(length: Int, isMasked: Bool = true) -> [UInt8] {
            var bytes = [head]
            let mask: UInt8 = isMasked ? 0x80 : 0
            switch length {
            case ...125: bytes.append(mask | UInt8(length))
            case ...0xffff: bytes += [mask | 126, UInt8(length >> 8), UInt8(length & 0xff)]
            default:
                bytes.append(mask | 127)
                bytes += stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: length >> $0) }
            }
            guard isMasked else { return bytes + payload }
            let key: [UInt8] = [1, 2, 3, 4]
            return bytes + key + payload.enumerated().map { $1 ^ key[$0 % 4] }
        }
    }

    let raw: RawClient

    /// A handshake.
    static func handshake(_ target: String, _ fields: [String] = [], version: String = "13") -> String {
        let head =
            [
                "GET \(target) HTTP/1.1", "Host: x", "Connection: keep-alive, Upgrade", "Upgrade: websocket",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: \(version)",
            ] + fields
        return head.joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// Opens a WebSocket.
    static func open(_ server: HTTPTestServer, _ target: String, _ fields: [String] = []) async throws -> Self {
        let client = Self(raw: try server.client())
        await client.raw.send(handshake(target, fields))
        let response = try await client.raw.response()
        try #require(response.status == 101, "\(response.text)")
        #expect(response.fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(response.fields["upgrade"] == "websocket")
        return client
    }

    func send(_ frames: Frame...) async { await raw.send(frames.flatMap(\.bytes)) }

    /// Reads the next frame.
    func next() async throws -> Frame {
        let head = try await raw.bytes(2)
        #expect(head[1] & 0x80 == 0, "a server masks no frames")
        var length = Int(head[1] & 0x7f)
        if length > 125 {
            length = try await raw.bytes(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
        }
        return Frame(head: head[0], payload: length == 0 ? [] : try await raw.bytes(length))
    }

    /// Reads frames up to a Close, and answers it.
    func rest() async throws -> [Frame] {
        var frames: [Frame] = []
        while true {
            let frame = try await next()
            frames.append(frame)
            guard frame.code != nil else { continue }
            await send(frame)
            return frames
        }
    }
}
