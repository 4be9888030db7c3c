import GRPCCore
import ServiceKitHTTP2
import ServiceKitProtobuf
import Synchronization

/// The form of the messages of a call by WebSocket: JSON in texts, the wire format in binary messages.
///
/// Responses have the kind of the client's latest message, and are texts before the first.
// The kind is shared by the reader and the writer, which run in different tasks.
final class WebSocketForm: Sendable {
    private enum Path {
        case method(json: MessageForm?)
        case route(RESTRoute, RESTMessages)
    }

    private let path: Path
    private let isBinary: Atomic<Bool>

    /// - Parameter json: The form of JSON; `nil` if the method has no descriptors. All messages then are binary.
    init(json: MessageForm?) {
        path = .method(json: json)
        isBinary = Atomic(json == nil)
    }

    /// A method at a path of its own.
    ///
    /// `values` are the places of the variables' values in the path.
    init(_ route: RESTRoute, _ values: [Range<Int>], _ fields: RequestFields) {
        path = .route(route, RESTMessages(route, values, fields))
        isBinary = Atomic(false)
    }

    /// A message of the request, in the wire format.
    func decode(_ message: WebSocketMessage) throws -> [UInt8] {
        isBinary.store(message.kind == .binary, ordering: .relaxed)
        switch (path, message.kind) {
        case (.method(let json?), .text): return try json.decode(message.bytes)
        case (.method(nil), .text):
            throw RPCError(
                code: .invalidArgument,
                message: "the server has no descriptors of this method, which JSON needs; send binary messages")
        case (.method, .binary): return message.bytes
        case (.route(_, let messages), .text): return try messages.message(message.bytes)
        case (.route(_, let messages), .binary): return try messages.message(wire: message.bytes)
        }
    }

    /// A message of the response, given in the wire format.
    func encode(_ message: [UInt8]) throws -> WebSocketMessage {
        switch path {
        case .route(let route, _) where route.form.isRaw:
            return WebSocketMessage(.binary, try route.form.encode(message).bytes)
        case _ where isBinary.load(ordering: .relaxed): return WebSocketMessage(.binary, message)
        case .method(let json?): return WebSocketMessage(.text, try json.encode(message))
        case .method(nil): return WebSocketMessage(.binary, message)
        case .route(let route, _): return WebSocketMessage(.text, try route.form.encode(message).bytes)
        }
    }
}
