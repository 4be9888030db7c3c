/// Cuts a body that arrives into the pieces that its reader takes.
///
/// The layer above gives each stream a decoder with `HTTP2Stream.setDecoder(_:)`; without one, each DATA frame is a piece.
/// The engine calls the decoder on the event loop, under the lock of the stream. A decoder of at most 24 bytes needs no
/// memory of its own.
package protocol BodyDecoder: Sendable {
    /// Takes bytes off the front of `bytes` until a piece is complete.
    ///
    /// - Returns: The piece; `nil` when all bytes were taken and the piece lacks more.
    /// - Throws: The failure that ends the stream.
    mutating func next(from bytes: inout UnsafeRawBufferPointer) throws(StreamFailure) -> BodyPiece?

    /// Whether a piece has begun and is not complete. A body that ends there is truncated.
    var isInsidePiece: Bool { get }

    /// Forgets the piece that has begun. No bytes follow.
    mutating func removeAll()
}

/// Makes a piece of each DATA frame.
struct WholeFrames: BodyDecoder {
    var isInsidePiece: Bool { false }

    mutating func next(from bytes: inout UnsafeRawBufferPointer) -> BodyPiece? {
        guard !bytes.isEmpty else { return nil }
        defer { bytes = UnsafeRawBufferPointer(rebasing: bytes[bytes.endIndex...]) }
        return BodyPiece(bytes: Array(bytes))
    }

    mutating func removeAll() {}
}
