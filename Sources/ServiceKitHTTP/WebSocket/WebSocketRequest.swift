import GRPCCore
import ServiceKitHTTP2

/// Reads the requests of a call by WebSocket: each message is one, up to the client's sign of the end.
///
/// | state | event | state | effect |
/// |---|---|---|---|
/// | open | a message | open; complete if the method takes one request | it can be taken |
/// | open | the sign of the end | complete | |
/// | open | another sign | | throws |
struct WebSocketRequest: RequestReader {
    private let form: WebSocketForm
    private let takesOne: Bool
    private var message: [UInt8]?
    private(set) var isComplete = false

    /// - Parameter takesOne: Whether the method takes one request, and not a stream of them.
    init(_ form: WebSocketForm, takesOne: Bool) {
        self.form = form
        self.takesOne = takesOne
    }

    mutating func receive(_ piece: [UInt8]) throws {
        guard let message = WebSocketMessage(piece: piece) else { return }
        if WebSocketSign.isEnd(message) {
            isComplete = true
            return
        }
        guard !WebSocketSign.isSign(message) else {
            throw RPCError(code: .invalidArgument, message: "a text begins with U+001E and is not the sign of the end")
        }
        // Messages come one by one: the last one was taken.
        self.message = try form.decode(message)
        isComplete = takesOne
    }

    /// The body of a WebSocket does not end: it closes.
    mutating func finish() {}

    mutating func next() -> [UInt8]? {
        defer { message = nil }
        return message
    }
}
