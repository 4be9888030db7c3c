import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite struct FramingTests {
    private static let messages: [[UInt8]] = [[1, 2, 3], [], [4], Array(repeating: 5, count: 300)]

    private static func framed(_ messages: [[UInt8]]) -> [UInt8] {
        messages.flatMap { message in
            [0, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message
        }
    }

    private static func feed(
        _ pieces: [ArraySlice<UInt8>],
        to deframer: inout MessageDeframer
    ) throws -> [[UInt8]] {
        var messages: [[UInt8]] = []
        for piece in pieces {
            try piece.withUnsafeBytes { bytes in
                var rest = bytes
                while let message = try deframer.next(from: &rest) {
                    messages.append(message.bytes)
                }
                #expect(rest.isEmpty)
            }
        }
        return messages
    }

    @Test func messagesSplitAtAnyByteAreRead() throws {
        let bytes = Self.framed(Self.messages)
        for split in 0...bytes.count {
            var deframer = MessageDeframer(maxMessageBytes: 1000)
            let messages = try Self.feed([bytes[..<split], bytes[split...]], to: &deframer)
            #expect(messages == Self.messages, "split at \(split)")
            #expect(!deframer.isInsidePiece)
        }
    }

    @Test(arguments: 1...20)
    func messagesInPiecesOfAnySizeAreRead(_ size: Int) throws {
        let bytes = Self.framed(Self.messages)
        let pieces = stride(from: 0, to: bytes.count, by: size).map { bytes[$0..<min($0 + size, bytes.count)] }
        var deframer = MessageDeframer(maxMessageBytes: 1000)
        #expect(try Self.feed(pieces, to: &deframer) == Self.messages)
    }

    @Test func incompleteMessageIsReported() throws {
        let bytes = Self.framed([[1, 2, 3]])
        for length in 1..<bytes.count {
            var deframer = MessageDeframer(maxMessageBytes: 1000)
            #expect(try Self.feed([bytes[..<length]], to: &deframer).isEmpty)
            #expect(deframer.isInsidePiece)
        }
    }

    @Test func messageOverTheLimitIsRefused() throws {
        let bytes = Self.framed([Array(repeating: 0, count: 11)])
        for split in 0..<bytes.count {
            var deframer = MessageDeframer(maxMessageBytes: 10)
            #expect(throws: StreamFailure.bodyTooLarge(.message, bytes: 11, max: 10)) {
                try Self.feed([bytes[..<split], bytes[split...]], to: &deframer)
            }
        }
        var deframer = MessageDeframer(maxMessageBytes: 11)
        #expect(try Self.feed([bytes[...]], to: &deframer).count == 1)
    }

    @Test func compressedFlagIsReportedPerMessage() throws {
        let bytes: [UInt8] = [1, 0, 0, 0, 1, 9, 0, 0, 0, 0, 1, 9]
        for split in 0..<bytes.count {
            var deframer = MessageDeframer(maxMessageBytes: 10)
            var flags: [Bool] = []
            for piece in [bytes[..<split], bytes[split...]] {
                try piece.withUnsafeBytes { bytes in
                    var rest = bytes
                    while let message = try deframer.next(from: &rest) { flags.append(message.isCompressed) }
                }
            }
            #expect(flags == [true, false], "split at \(split)")
        }
    }

    @Test(arguments: [2, 3, 128, 255] as [UInt8])
    func unknownFlagIsRefused(_ flag: UInt8) {
        let bytes: [UInt8] = [flag, 0, 0, 0, 1, 9]
        let failure = StreamFailure.protocolViolation("a message begins with byte \(flag), not 0 or 1")
        for split in 0..<bytes.count {
            var deframer = MessageDeframer(maxMessageBytes: 10)
            #expect(throws: failure) { try Self.feed([bytes[..<split], bytes[split...]], to: &deframer) }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 100, 1000])
    func outboundMessagesAreFramedInOrder(_ bufferSize: Int) {
        var outbound = OutboundBody()
        for message in Self.messages {
            outbound.append(BodyPiece(message: message))
        }
        let expected = Self.framed(Self.messages)
        #expect(outbound.byteCount == expected.count)
        var bytes: [UInt8] = []
        while !outbound.isEmpty {
            let piece = [UInt8](unsafeUninitializedCapacity: bufferSize) { buffer, count in
                count = outbound.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            #expect(!piece.isEmpty)
            bytes += piece
        }
        #expect(bytes == expected)
    }

    @Test func emptyMessagesCountAgainstTheWriteBuffer() {
        var limits = TransportLimits.defaults
        limits.writeBufferBytes = 100 * (5 + BodyPiece.overhead)
        var outbound = StreamOutbound(limits: limits)
        func isAccepted() -> Bool {
            if case .accepted = outbound.send(BodyPiece(message: [])) { true } else { false }
        }
        for _ in 0..<100 { #expect(isAccepted()) }
        #expect(!isAccepted())
        // When half of them are sent, there is room for as many again.
        let size = 50 * 5
        _ = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count =
                outbound.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<size])
                ).count
        }
        for _ in 0..<50 { #expect(isAccepted()) }
        #expect(!isAccepted())
    }

    @Test func lengthIsWrittenInFourBytes() throws {
        var outbound = OutboundBody()
        outbound.append(BodyPiece(message: Array(repeating: 7, count: 0x12_3456), isCompressed: true))
        let prefix = [UInt8](unsafeUninitializedCapacity: 5) { buffer, count in
            count = outbound.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        #expect(prefix == [1, 0, 0x12, 0x34, 0x56])
    }

    /// A larger deframer would cost each call an allocation.
    @Test func deframerIsStoredInline() {
        #expect(MemoryLayout<MessageDeframer>.size <= 3 * MemoryLayout<Int>.size)
    }
}
