import ServiceKitTestSupport

/// A frame of HTTP/2 (RFC 9113, section 4.1).
struct RawFrame: Sendable {
    enum Kind: UInt8, Sendable {
        case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation
    }

    /// The preface of a client, before its first frame.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// `nil` for kinds that the RFC does not define.
    var kind: Kind?
    var flags: UInt8 = 0
    var stream: UInt32 = 0
    var payload: [UInt8] = []
    /// The frame as it was read.
    private(set) var bytes: [UInt8] = []

    /// Creates a frame to send.
    init(_ kind: Kind, stream: UInt32 = 0, _ payload: [UInt8] = []) {
        (self.kind, self.stream, self.payload) = (kind, stream, payload)
        bytes = [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), kind.rawValue, 0]
        for shift in [UInt32(24), 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: stream >> shift)) }
        bytes += payload
    }

    /// Reads a frame; `nil` at the end of the connection.
    init?(from socket: RawSocket) {
        guard let head = socket.read(9),
            let payload = socket.read(Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2]))
        else { return nil }
        kind = Kind(rawValue: head[3])
        flags = head[4]
        stream = Self.number(head[5...8])
        self.payload = payload
        bytes = head + payload
    }

    /// Whether the frame is an acknowledgement, or the last frame of a side of a stream.
    var isFlagged: Bool { flags & 1 != 0 }

    /// The values of a SETTINGS frame by their identifiers (RFC 9113, section 6.5.2).
    var settings: [UInt32: UInt32] {
        var settings: [UInt32: UInt32] = [:]
        for start in stride(from: 0, to: payload.count - 5, by: 6) {
            settings[Self.number(payload[start..<start + 2])] = Self.number(payload[start + 2..<start + 6])
        }
        return settings
    }

    static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
