/// Counts frames of types that libnghttp2 does not know in what a peer sends: it drops them without a word, as RFC 9113
/// (section 5.5) demands, so that a flood of them would go unseen.
struct UnknownFrames: Sendable {
    /// How many bytes follow that are no frame's header.
    private var skipped: Int
    /// What has come of a header that is not complete.
    private var length = 0
    private var headerBytes = 0
    private var type: UInt8 = 0

    private static let headerLength = 9
    private static let prefaceLength = 24
    /// The last of RFC 9113: CONTINUATION.
    private static let lastKnownType: UInt8 = 9

    /// - Parameter expectsPreface: Whether the peer is a client, which says a fixed text first.
    init(expectsPreface: Bool) {
        self.skipped = expectsPreface ? Self.prefaceLength : 0
    }

    /// Goes on with what has arrived next.
    ///
    /// - Returns: How many frames of unknown type have begun in it.
    mutating func count(in bytes: UnsafeRawBufferPointer) -> Int {
        var unknown = 0
        var index = 0
        while index < bytes.count {
            if self.skipped > 0 {
                let step = min(self.skipped, bytes.count - index)
                self.skipped -= step
                index += step
                continue
            }
            if self.headerBytes < 3 {
                self.length = self.length << 8 | Int(bytes[index])
            } else if self.headerBytes == 3 {
                self.type = bytes[index]
            }
            self.headerBytes += 1
            index += 1
            if self.headerBytes == Self.headerLength {
                if self.type > Self.lastKnownType { unknown += 1 }
                self.skipped = self.length
                self.length = 0
                self.headerBytes = 0
            }
        }
        return unknown
    }
}
