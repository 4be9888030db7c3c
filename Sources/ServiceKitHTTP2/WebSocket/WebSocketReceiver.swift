import NIOCore
import NIOWebSocket

/// Makes messages of the frames of a client, and checks them (RFC 6455, section 5).
///
/// | state | frame | state | effect |
/// |---|---|---|---|
/// | between messages | text or binary, the last one | the same | a message |
/// | between messages | text or binary, not the last one | in a message | |
/// | between messages | continuation | | fails with 1002 |
/// | in a message | continuation, the last one | between messages | a message |
/// | in a message | continuation, not the last one | the same | |
/// | in a message | text or binary | | fails with 1002 |
/// | any | ping, pong, Close | the same | is told |
/// | any | unmasked; reserved bits; a reserved opcode | | fails with 1002 |
/// | any | a message gets too large; a text is not UTF-8 | | fails with 1009; with 1007 |
///
/// The decoder has checked already that control frames are whole and short, and that no frame is too large. After a failure
/// nothing more may be received.
struct WebSocketReceiver {
    enum Event: Hashable {
        case message(WebSocketMessage)
        /// A part of a message, with its size.
        case part(bytes: Int)
        case ping([UInt8])
        case pong
        case close(WebSocketClose)
    }

    private enum State {
        case betweenMessages
        case inMessage(WebSocketMessage)
    }

    private let maxMessageBytes: Int
    private var state = State.betweenMessages

    /// - Parameter maxMessageBytes: The size of the largest message.
    init(maxMessageBytes: Int) {
        self.maxMessageBytes = maxMessageBytes
    }

    mutating func receive(_ frame: WebSocketFrame) throws(WebSocketFailure) -> Event {
        guard frame.maskKey != nil else { throw WebSocketFailure(.protocolError, "a frame is not masked") }
        guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
            throw WebSocketFailure(.protocolError, "a frame has reserved bits")
        }
        let payload = Array(frame.unmaskedData.readableBytesView)
        switch frame.opcode {
        case .text: return try begin(.text, payload, isLast: frame.fin)
        case .binary: return try begin(.binary, payload, isLast: frame.fin)
        case .continuation: return try goOn(payload, isLast: frame.fin)
        case .ping: return .ping(payload)
        case .pong: return .pong
        case .connectionClose: return .close(try WebSocketClose(payload: payload))
        default: throw WebSocketFailure(.protocolError, "a frame has a reserved opcode")
        }
    }

    private mutating func begin(
        _ kind: WebSocketMessage.Kind, _ bytes: [UInt8], isLast: Bool
    ) throws(WebSocketFailure) -> Event {
        guard case .betweenMessages = state else {
            throw WebSocketFailure(.protocolError, "a message begins in the middle of another")
        }
        return try take(WebSocketMessage(kind, bytes), bytes.count, isLast: isLast)
    }

    private mutating func goOn(_ bytes: [UInt8], isLast: Bool) throws(WebSocketFailure) -> Event {
        guard case .inMessage(var message) = state else {
            throw WebSocketFailure(.protocolError, "a message goes on that has not begun")
        }
        // The only reference, so that the bytes are not copied for each frame.
        state = .betweenMessages
        guard bytes.count <= maxMessageBytes - message.bytes.count else { throw Self.tooLarge(maxMessageBytes) }
        message.bytes += bytes
        return try take(message, bytes.count, isLast: isLast)
    }

    private mutating func take(
        _ message: WebSocketMessage, _ newBytes: Int, isLast: Bool
    ) throws(WebSocketFailure) -> Event {
        guard message.bytes.count <= maxMessageBytes else { throw Self.tooLarge(maxMessageBytes) }
        guard isLast else {
            state = .inMessage(message)
            return .part(bytes: newBytes)
        }
        state = .betweenMessages
        if message.kind == .text, String(validating: message.bytes, as: UTF8.self) == nil {
            throw WebSocketFailure(.invalidText, "a text is not UTF-8")
        }
        return .message(message)
    }

    static func tooLarge(_ limit: Int) -> WebSocketFailure {
        WebSocketFailure(.messageTooLarge, "a message is larger than \(limit) bytes")
    }
}

extension WebSocketFailure {
    /// The failure of the decoder, which reads the frames' heads.
    init(_ error: NIOWebSocketError, maxMessageBytes: Int) {
        switch error {
        case .invalidFrameLength: self = WebSocketReceiver.tooLarge(maxMessageBytes)
        case .fragmentedControlFrame: self.init(.protocolError, "a control frame is fragmented")
        case .multiByteControlFrameLength: self.init(.protocolError, "a control frame is larger than 125 bytes")
        }
    }
}
