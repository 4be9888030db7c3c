/// A message as it is sent.
struct OutboundMessage: Sendable {
    var bytes: [UInt8]
    var isCompressed = false
}

/// Messages waiting to be sent on a stream, read out as length-prefixed bytes.
///
/// Messages are kept as they were given, so a large one is copied once, straight into its DATA frames.
struct OutboundMessages: Sendable {
    private var messages = SmallQueue<OutboundMessage>()
    /// How far the first message has been read, counting its prefix.
    private var offset = 0
    /// The bytes that wait, prefixes included.
    private(set) var byteCount = 0
    private var messageCount = 0

    var isEmpty: Bool { self.byteCount == 0 }

    /// The bytes that wait, and what their messages take beside.
    var heldBytes: Int { self.byteCount + self.messageCount * TransportLimits.messageOverhead }

    mutating func append(_ message: OutboundMessage) {
        self.messages.append(message)
        self.messageCount += 1
        self.byteCount += MessageDeframer.prefixBytes + message.bytes.count
    }

    mutating func removeAll() {
        self.messages.removeAll()
        self.offset = 0
        self.byteCount = 0
        self.messageCount = 0
    }

    /// Moves as many bytes as there are, or as fit, into `buffer`, and returns their number.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var written = 0
        while written < buffer.count, let message = self.messages.first {
            let end = MessageDeframer.prefixBytes + message.bytes.count
            let copied = Self.copy(
                message, from: self.offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[written...])
            )
            written += copied
            self.offset += copied
            if self.offset == end {
                _ = self.messages.popFirst()
                self.messageCount -= 1
                self.offset = 0
            }
        }
        self.byteCount -= written
        return written
    }

    /// Copies what fits of a message's prefix and payload, from `offset` on, and returns how much that was.
    private static func copy(
        _ message: OutboundMessage,
        from offset: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        var written = 0
        while offset + written < MessageDeframer.prefixBytes, written < buffer.count {
            let index = offset + written
            // The first byte says whether it is compressed; the length follows, most significant byte first.
            buffer[written] =
                index == 0
                ? (message.isCompressed ? 1 : 0) : UInt8(truncatingIfNeeded: message.bytes.count >> (8 * (4 - index)))
            written += 1
        }
        let start = offset + written - MessageDeframer.prefixBytes
        if start >= 0 {
            let count = min(message.bytes.count - start, buffer.count - written)
            message.bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: buffer[written...])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
            }
            written += count
        }
        return written
    }
}
