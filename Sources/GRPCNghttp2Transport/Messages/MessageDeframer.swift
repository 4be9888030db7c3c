package import ServiceKitHTTP2

/// Cuts a body into gRPC's length-prefixed messages.
///
/// A message is preceded by one byte that tells whether it is compressed and four bytes of length, big-endian
/// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message").
///
/// | state | event | state | effect |
/// |---|---|---|---|
/// | between messages | a whole message arrives | between messages | the message is returned |
/// | between messages | fewer bytes than a prefix arrive | in the prefix | the bytes are kept |
/// | between messages, in the prefix | the prefix is complete | in the message | memory is reserved, at most 64 KiB |
/// | in the message | the last byte arrives | between messages | the message is returned |
/// | any | a prefix is wrong, or its message too large | | the failure ends the stream |
package struct MessageDeframer: BodyDecoder {
    /// The memory that is reserved for a message before its bytes arrive, in bytes. A larger message gets more only as
    /// its bytes arrive: an announcement alone must not make this side allocate.
    private static let maxUnearnedReservation = 64 * 1024

    /// The message that arrives, and the number of bytes that it lacks.
    private var message: [UInt8] = []
    private var missing: UInt32 = 0
    private let maxMessageBytes: UInt32
    private var prefix: InlineArray<5, UInt8> = .init(repeating: 0)
    private var prefixCount: UInt8 = 0

    package init(maxMessageBytes: Int) {
        self.maxMessageBytes = UInt32(clamping: maxMessageBytes)
    }

    package var isInsidePiece: Bool { prefixCount > 0 }

    package mutating func removeAll() {
        message = []
    }

    package mutating func next(from bytes: inout UnsafeRawBufferPointer) throws(StreamFailure) -> BodyPiece? {
        if prefixCount == 0, bytes.count >= BodyPrefix.messageBytes {
            // Most messages arrive whole, in one DATA frame: no detour over this structure's buffers.
            let prefix = try readPrefix(bytes[0], bytes[1], bytes[2], bytes[3], bytes[4])
            let end = BodyPrefix.messageBytes + prefix.messageLength
            if end <= bytes.count {
                let message = [UInt8](bytes[BodyPrefix.messageBytes..<end])
                bytes = UnsafeRawBufferPointer(rebasing: bytes[end...])
                return BodyPiece(prefix: prefix, bytes: message)
            }
        }
        while prefixCount < BodyPrefix.messageBytes {
            guard let byte = bytes.first else { return nil }
            bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
            prefix[Int(prefixCount)] = byte
            prefixCount += 1
            if prefixCount == BodyPrefix.messageBytes {
                missing = UInt32(truncatingIfNeeded: try completePrefix().messageLength)
                message.reserveCapacity(min(Int(missing), Self.maxUnearnedReservation))
            }
        }
        let taken = min(Int(missing), bytes.count)
        message.append(contentsOf: bytes.prefix(taken))
        missing -= UInt32(truncatingIfNeeded: taken)
        bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(taken))
        guard missing == 0 else { return nil }
        prefixCount = 0
        defer { message = [] }
        return BodyPiece(prefix: try completePrefix(), bytes: message)
    }

    private func completePrefix() throws(StreamFailure) -> BodyPrefix {
        try readPrefix(prefix[0], prefix[1], prefix[2], prefix[3], prefix[4])
    }

    private func readPrefix(
        _ compressed: UInt8, _ byte3: UInt8, _ byte2: UInt8, _ byte1: UInt8, _ byte0: UInt8
    ) throws(StreamFailure) -> BodyPrefix {
        guard compressed <= 1 else { throw .protocolViolation("a message begins with byte \(compressed), not 0 or 1") }
        let length = UInt32(byte3) << 24 | UInt32(byte2) << 16 | UInt32(byte1) << 8 | UInt32(byte0)
        guard length <= maxMessageBytes else {
            throw .bodyTooLarge(.message, bytes: Int(length), max: Int(maxMessageBytes))
        }
        return BodyPrefix(messageLength: length, isCompressed: compressed == 1)
    }
}

extension BodyPrefix {
    /// The size of the prefix of a message, in bytes.
    static let messageBytes = 5

    init(messageLength: UInt32, isCompressed: Bool) {
        self.init(
            littleEndian: UInt64(messageLength.byteSwapped) << 8 | (isCompressed ? 1 : 0),
            count: UInt8(Self.messageBytes)
        )
    }

    var messageLength: Int { Int(UInt32(truncatingIfNeeded: littleEndian >> 8).byteSwapped) }
}

extension BodyPiece {
    /// A message that fits into 4 GiB, as the prefix demands.
    package init(message: [UInt8], isCompressed: Bool = false) {
        let length = UInt32(truncatingIfNeeded: message.count)
        self.init(prefix: BodyPrefix(messageLength: length, isCompressed: isCompressed), bytes: message)
    }

    /// Whether the message is compressed.
    package var isCompressed: Bool { prefix[0] == 1 }
}

extension Limit {
    /// The largest message that is taken.
    static let message = Self(rawValue: "max-message")
}
