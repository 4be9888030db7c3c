/// Cuts a stream of bytes into gRPC's length-prefixed messages.
///
/// A message is preceded by one byte that tells whether it is compressed and four bytes of length, big-endian
/// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message").
struct MessageDeframer: Sendable {
    /// The bytes before each message.
    static let prefixBytes = 5
    /// A message announced as larger than this is given memory only as its bytes come in, lest announcing be enough to
    /// make this side allocate.
    private static let maxUnearnedReservation = 64 * 1024

    /// A message as it came in.
    struct Message: Sendable {
        var bytes: [UInt8]
        var isCompressed: Bool
    }

    private let maxMessageBytes: Int
    private var prefix: InlineArray<5, UInt8> = .init(repeating: 0)
    private var prefixCount = 0
    private var isCompressed = false
    /// The message being put together, and how much it still lacks.
    private var message: [UInt8] = []
    private var missing = 0

    init(maxMessageBytes: Int) {
        self.maxMessageBytes = maxMessageBytes
    }

    /// Whether some, but not all, of a message has come in.
    var isInsideMessage: Bool {
        self.prefixCount > 0
    }

    /// Forgets the message that is being put together. Nothing comes in after that.
    mutating func removeAll() {
        self.message = []
    }

    /// Takes bytes off the front of `bytes` until a message is complete, and returns it; returns `nil` when all were
    /// taken and the message they belong to lacks more.
    mutating func next(from bytes: inout UnsafeRawBufferPointer) throws(StreamFailure) -> Message? {
        if self.prefixCount == 0, bytes.count >= Self.prefixBytes {
            // Most messages arrive whole, in one DATA frame: no detour over this structure's buffers.
            let (length, isCompressed) = try self.readPrefix(bytes[0], bytes[1], bytes[2], bytes[3], bytes[4])
            let end = Self.prefixBytes + length
            if end <= bytes.count {
                let message = [UInt8](bytes[Self.prefixBytes..<end])
                bytes = UnsafeRawBufferPointer(rebasing: bytes[end...])
                return Message(bytes: message, isCompressed: isCompressed)
            }
        }
        while self.prefixCount < Self.prefixBytes {
            guard let byte = bytes.first else { return nil }
            bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
            self.prefix[self.prefixCount] = byte
            self.prefixCount += 1
            if self.prefixCount == Self.prefixBytes {
                (self.missing, self.isCompressed) = try self.readPrefix(
                    self.prefix[0], self.prefix[1], self.prefix[2], self.prefix[3], self.prefix[4]
                )
                self.message.reserveCapacity(min(self.missing, Self.maxUnearnedReservation))
            }
        }
        let taken = min(self.missing, bytes.count)
        self.message.append(contentsOf: bytes.prefix(taken))
        self.missing -= taken
        bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(taken))
        guard self.missing == 0 else { return nil }
        self.prefixCount = 0
        defer { self.message = [] }
        return Message(bytes: self.message, isCompressed: self.isCompressed)
    }

    private func readPrefix(
        _ compressed: UInt8, _ byte3: UInt8, _ byte2: UInt8, _ byte1: UInt8, _ byte0: UInt8
    ) throws(StreamFailure) -> (length: Int, isCompressed: Bool) {
        guard compressed <= 1 else { throw .protocolViolation("a message begins with byte \(compressed), not 0 or 1") }
        let length = Int(byte3) << 24 | Int(byte2) << 16 | Int(byte1) << 8 | Int(byte0)
        guard length <= self.maxMessageBytes else {
            throw .messageTooLarge(bytes: length, limit: self.maxMessageBytes)
        }
        return (length, compressed == 1)
    }
}
