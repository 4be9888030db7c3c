/// A message of a WebSocket (RFC 6455, section 5.6).
///
/// In the bodies of an exchange that has changed to WebSocket, each piece is a message: a byte with its kind, then its bytes.
package struct WebSocketMessage: Sendable, Hashable {
    /// The kind, by its opcode.
    package enum Kind: UInt8, Sendable {
        case text = 1
        case binary = 2
    }

    package var kind: Kind
    package var bytes: [UInt8]

    package init(_ kind: Kind, _ bytes: [UInt8]) {
        self.kind = kind
        self.bytes = bytes
    }

    /// The message of a piece; `nil` if there is none in it.
    package init?(piece: [UInt8]) {
        guard let kind = piece.first.flatMap(Kind.init) else { return nil }
        self.init(kind, Array(piece.dropFirst()))
    }

    package var piece: [UInt8] {
        var piece: [UInt8] = []
        piece.reserveCapacity(bytes.count + 1)
        piece.append(kind.rawValue)
        piece += bytes
        return piece
    }
}
