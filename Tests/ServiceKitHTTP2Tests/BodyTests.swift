import Testing

@testable import ServiceKitHTTP2

@Suite struct BodyTests {
    private static func read(_ body: inout OutboundBody, _ size: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = body.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 100])
    func aPrefixIsSentBeforeTheBytesOfItsPiece(_ bufferSize: Int) {
        var body = OutboundBody()
        body.append(BodyPiece(prefix: BodyPrefix(littleEndian: 0x0201, count: 2), bytes: [3, 4]))
        body.append(BodyPiece(bytes: [5]))
        body.append(BodyPiece(prefix: BodyPrefix(littleEndian: 6, count: 1), bytes: []))
        #expect(body.byteCount == 6)
        var sent: [UInt8] = []
        while !body.isEmpty { sent += Self.read(&body, bufferSize) }
        #expect(sent == [1, 2, 3, 4, 5, 6])
        #expect(body.heldBytes == 0)
    }

    @Test func anEmptyPieceIsNotKept() {
        var body = OutboundBody()
        body.append(BodyPiece(bytes: []))
        #expect(body.isEmpty)
    }

    @Test func withoutDecoderEachFrameIsAPiece() {
        var inbound = StreamInbound(limits: .defaults)
        for frame in [[1, 2], [], [3]] as [[UInt8]] {
            frame.withUnsafeBytes { inbound.receive(data: $0) }
        }
        inbound.finish()
        var pieces: [BodyPiece] = []
        while case .part(.body(let piece)) = inbound.poll() { pieces.append(piece) }
        #expect(pieces == [BodyPiece(bytes: [1, 2]), BodyPiece(bytes: [3])])
        guard case .end = inbound.poll() else {
            Issue.record("the body has no end")
            return
        }
    }

    /// One continuation stands for both readers: it is resumed once, also if the second takes the first one's place.
    @Test func secondReaderIsRefusedWhileTheFirstWaits() async {
        let wakeup = await withUnsafeContinuation { (continuation: WaitContinuation) in
            var inbound = StreamInbound(limits: .defaults)
            #expect(inbound.suspend(continuation) == nil)
            #expect(inbound.suspend(continuation) == .alreadyAwaited)
            inbound.finish()
            guard let waiter = inbound.takeReadyWaiter() else {
                Issue.record("the first reader has lost its place")
                continuation.resume(returning: .cancelled)
                return
            }
            waiter.resume(returning: .ready)
        }
        #expect(wakeup == .ready)
    }
}
