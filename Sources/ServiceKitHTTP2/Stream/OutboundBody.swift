/// The pieces of a body that wait to be sent on a stream.
///
/// A piece is kept as it was given. A large one is thus copied once, straight into its DATA frames.
struct OutboundBody: Sendable {
    private var pieces = SmallQueue<BodyPiece>()
    /// The bytes of the first piece that were read, with its prefix.
    private var offset = 0
    /// The bytes that wait, with prefixes.
    private(set) var byteCount = 0
    private var pieceCount = 0

    var isEmpty: Bool { pieceCount == 0 }

    /// The bytes that wait, and the overhead of their pieces.
    var heldBytes: Int { byteCount + pieceCount * BodyPiece.overhead }

    mutating func append(_ piece: BodyPiece) {
        // An empty piece has nothing to send.
        guard piece.count > 0 else { return }
        pieces.append(piece)
        pieceCount += 1
        byteCount += piece.count
    }

    mutating func removeAll() {
        pieces.removeAll()
        offset = 0
        byteCount = 0
        pieceCount = 0
    }

    /// Takes the first piece as a whole. Not together with `read`, which may leave a part of a piece.
    mutating func popFirst() -> BodyPiece? {
        guard let piece = pieces.popFirst() else { return nil }
        pieceCount -= 1
        byteCount -= piece.count
        return piece
    }

    /// Moves as many bytes as there are, or as fit, into `buffer`.
    ///
    /// - Returns: The number of bytes.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var written = 0
        while written < buffer.count, let piece = pieces.first {
            let copied = Self.copy(
                piece, from: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[written...])
            )
            written += copied
            offset += copied
            if offset == piece.count {
                _ = pieces.popFirst()
                pieceCount -= 1
                offset = 0
            }
        }
        byteCount -= written
        return written
    }

    /// Copies the part of a piece that begins at `offset`, as far as it fits.
    ///
    /// - Returns: The number of bytes.
    private static func copy(_ piece: BodyPiece, from offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var written = 0
        while offset + written < piece.prefix.count, written < buffer.count {
            buffer[written] = piece.prefix[offset + written]
            written += 1
        }
        let start = offset + written - piece.prefix.count
        if start >= 0 {
            let count = min(piece.bytes.count - start, buffer.count - written)
            piece.bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: buffer[written...])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
            }
            written += count
        }
        return written
    }
}
