import Testing

@testable import ServiceKitHTTP2

/// When a connection of HTTP/1.1 stops reading whole pieces, and reads again.
@Suite struct ReadingPauseTests {
    @Test func readingStopsAboveTheBoundAndIsResumedOnce() {
        var inbound = StreamInbound(limits: .defaults)
        for _ in 0..<4 { inbound.receive(BodyPiece(bytes: Array(repeating: 0, count: 36))) }
        // Each piece counts 64 bytes more than it has.
        let isPausedAtTheBound = inbound.pause(above: 400)
        inbound.receive(BodyPiece(bytes: [0]))
        let isPausedAbove = inbound.pause(above: 400)
        for _ in 0..<2 { _ = inbound.poll() }
        let isResumedEarly = inbound.takeResumption(below: 200)
        _ = inbound.poll()
        let isResumed = inbound.takeResumption(below: 200)
        let isResumedTwice = inbound.takeResumption(below: 200)
        #expect(!isPausedAtTheBound)
        #expect(isPausedAbove)
        #expect(!isResumedEarly)
        #expect(isResumed)
        #expect(!isResumedTwice)
    }

    @Test func nothingIsPausedBehindTheEnd() {
        var inbound = StreamInbound(limits: .defaults)
        inbound.receive(BodyPiece(bytes: [0]))
        inbound.fail(.cancelled, discardingUnread: false)
        let isPaused = inbound.pause(above: 0)
        #expect(!isPaused)
    }

    @Test func piecesThatAreTakenAsAWholeComeBeforeTheEnd() throws {
        var outbound = StreamOutbound(limits: .defaults)
        outbound.enqueue(BodyPiece(bytes: [1, 2]))
        outbound.enqueue(BodyPiece(bytes: [3]))
        try outbound.send(end: .data)
        let taken = [outbound.takePiece(), outbound.takePiece(), outbound.takePiece()]
        #expect(taken.map(\.piece?.bytes) == [[1, 2], [3], nil])
        #expect(taken.map { $0.end == nil } == [true, true, false])
    }
}
