/// A piece of a body: the unit in which the layer above writes and reads.
///
/// The prefix stands apart from the bytes. The layer above can thus put framing of its own before a message without
/// copying the message.
package struct BodyPiece: Sendable, Hashable {
    package var prefix: BodyPrefix
    package var bytes: [UInt8]

    @inlinable package init(prefix: BodyPrefix = BodyPrefix(), bytes: [UInt8]) {
        self.prefix = prefix
        self.bytes = bytes
    }

    /// The size on the wire, in bytes.
    package var count: Int { prefix.count + bytes.count }

    /// The memory that a piece counts in the bounds of buffers, beside its bytes: about as much as it takes. Without it,
    /// many small pieces would take several times the memory that the bounds allow.
    static let overhead = 64
}

/// Up to eight bytes, kept without memory of their own.
package struct BodyPrefix: Sendable, Hashable {
    /// The first byte is the lowest.
    package let littleEndian: UInt64
    @usableFromInline let size: UInt8

    /// - Parameters:
    ///   - littleEndian: The bytes; the first is the lowest.
    ///   - count: The number of bytes, at most eight. Default: none.
    @inlinable package init(littleEndian: UInt64 = 0, count: UInt8 = 0) {
        self.littleEndian = littleEndian
        size = count
    }

    @inlinable package var count: Int { Int(size) }

    @inlinable package subscript(index: Int) -> UInt8 { UInt8(truncatingIfNeeded: littleEndian >> (8 * index)) }
}
