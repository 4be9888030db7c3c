import NIOCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// A connection's account of held bytes equals the sum of its streams.
@Suite(.timeLimit(.minutes(1)))
struct InboundBudgetTests {
    /// The bytes that a message counts beside its contents.
    private let each = BodyPiece.overhead

    private static func framed(_ message: [UInt8]) -> [UInt8] {
        [0, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message
    }

    // MARK: One stream

    private static func receive(_ bytes: [UInt8], _ inbound: inout StreamInbound) {
        bytes.withUnsafeBytes { inbound.receive(data: $0) }
    }

    @Test func heldBytesCountUntilTheirMessageIsTaken() {
        var inbound = StreamInbound(limits: .defaults, decoder: MessageDeframer(maxMessageBytes: 1000))
        Self.receive(Self.framed([1, 2, 3]) + Self.framed([]) + [0, 0], &inbound)
        #expect(inbound.heldBytes == 8 + each + 5 + each + 2)
        _ = inbound.poll()
        #expect(inbound.heldBytes == 5 + each + 2)
        _ = inbound.poll()
        #expect(inbound.heldBytes == 2)
        _ = inbound.poll()
        #expect(inbound.heldBytes == 2, "the third message is incomplete")
        Self.receive([0, 0, 1, 9], &inbound)
        #expect(inbound.heldBytes == 6 + each)
        _ = inbound.poll()
        #expect(inbound.heldBytes == 0)
    }

    @Test func emptyMessagesCountTheirOverhead() {
        var inbound = StreamInbound(limits: .defaults, decoder: MessageDeframer(maxMessageBytes: 1000))
        for _ in 0..<1000 { Self.receive(Self.framed([]), &inbound) }
        #expect(inbound.heldBytes == 1000 * (5 + each))
        #expect(inbound.unreadBytes == 5000, "the window is of bytes")
    }

    @Test func discardedBytesAreReleased() {
        var inbound = StreamInbound(limits: .defaults, decoder: MessageDeframer(maxMessageBytes: 1000))
        Self.receive(Self.framed([1, 2, 3]) + [0], &inbound)
        inbound.fail(.cancelled, discardingUnread: true)
        #expect(inbound.heldBytes == 0)
        Self.receive(Self.framed([4]), &inbound)
        #expect(inbound.heldBytes == 0, "nor do later bytes")
    }

    @Test func readableBytesCount() {
        var inbound = StreamInbound(limits: .defaults, decoder: MessageDeframer(maxMessageBytes: 1000))
        Self.receive(Self.framed([1, 2, 3]), &inbound)
        inbound.fail(.connectionLost("gone"), discardingUnread: false)
        #expect(inbound.heldBytes == 8 + each)
        _ = inbound.poll()
        #expect(inbound.heldBytes == 0)
    }

    // MARK: A connection

    /// A stream leaves nothing behind, regardless of how it ends.
    @Test func connectionBudgetIsTheSumOfItsStreams() async throws {
        let streams = Shared<[HTTP2Stream]>([])
        let server = { @Sendable (stream: HTTP2Stream, _: HeaderBlock?) in streams.update { $0.append(stream) } }
        try await RawHTTP2Server.run(onStream: server) { server in
            try await RawHTTP2Client.run(server.address) { client in
                var calls: [HTTP2Stream] = []
                for _ in 0..<4 {
                    let stream = try client.open(method: "Any")
                    try await stream.send(message: Array(repeating: 1, count: 95))
                    calls.append(stream)
                }
                let budget = try #require(server.accepted.first).inboundBudget
                try await eventually { budget.heldBytes == 4 * (100 + each) }
                #expect(streams.value.map(\.unreadBytes) == [100, 100, 100, 100])
                // One is read, one reset by this side, one by the peer; the last is dropped.
                _ = try await streams.value[0].next()
                #expect(budget.heldBytes == 3 * (100 + each))
                streams.value[1].reset(.cancel, failure: .cancelled)
                #expect(budget.heldBytes == 2 * (100 + each))
                calls[2].reset(.cancel, failure: .cancelled)
                try await eventually { streams.value[2].hasReadingEnded }
                #expect(budget.heldBytes == 2 * (100 + each), "earlier bytes can be read")
                _ = try await streams.value[2].next()
                #expect(budget.heldBytes == 100 + each)
                streams.update { $0.removeAll() }
                client.channel.close(promise: nil)
                try await eventually { budget.heldBytes == 0 }
            }
        }
    }
}
