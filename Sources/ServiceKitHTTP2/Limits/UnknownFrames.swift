/// Counts the frames of a peer whose types libnghttp2 does not know. The library drops them without a word, as RFC 9113
/// (section 5.5) demands; a flood of them would go unseen.
struct UnknownFrames: Sendable {
    /// How many bytes follow that are no frame's header.
    private var skipped: Int
    /// The part of an incomplete header that has arrived.
    private var length = 0
    private var headerBytes = 0
    private var type: UInt8 = 0

    private static let headerLength = 9
    private static let prefaceLength = 24
    /// The last of RFC 9113: CONTINUATION.
    private static let lastKnownType: UInt8 = 9

    /// - Parameter expectsPreface: Whether the peer is a client, which says a fixed text first.
    init(expectsPreface: Bool) {
        skipped = expectsPreface ? Self.prefaceLength : 0
    }

    /// Takes the bytes that arrive next.
    ///
    /// - Returns: How many frames of unknown type have begun in it.
    mutating func count(in bytes: UnsafeRawBufferPointer) -> Int {
        var unknown = 0
        var index = 0
        while index < bytes.count {
            if skipped > 0 {
                let step = min(skipped, bytes.count - index)
                skipped -= step
                index += step
                continue
            }
            if headerBytes < 3 {
                length = length << 8 | Int(bytes[index])
            } else if headerBytes == 3 {
                type = bytes[index]
            }
            headerBytes += 1
            index += 1
            if headerBytes == Self.headerLength {
                if type > Self.lastKnownType { unknown += 1 }
                skipped = length
                length = 0
                headerBytes = 0
            }
        }
        return unknown
    }
}
