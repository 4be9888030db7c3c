import ServiceKitHTTP2
import ServiceKitProtobuf

/// The signs of go-kratos: texts that are no messages, and begin with the control character RS.
enum WebSocketSign {
    private static let mark: UInt8 = 0x1e
    private static let endText = Array("\u{1e}end".utf8)
    private static let errorText = "\u{1e}error:"

    /// Whether a message is a sign.
    static func isSign(_ message: WebSocketMessage) -> Bool {
        message.kind == .text && message.bytes.first == mark
    }

    /// Whether a message says that the client sends no more.
    static func isEnd(_ message: WebSocketMessage) -> Bool {
        message.kind == .text && message.bytes == endText
    }

    /// Says that the call has failed.
    static func error(_ error: CallError, _ form: ErrorForm) -> WebSocketMessage {
        WebSocketMessage(.text, Array((errorText + form.document(of: error).text).utf8))
    }
}
