import NIOPosix
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite struct ExtraConnectionsTests {
    private static func expectWanted(
        _ isWanted: Bool,
        _ extra: inout ExtraConnections,
        maxCount: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let result = extra.isWanted(maxCount: maxCount)
        #expect(result == isWanted, sourceLocation: sourceLocation)
    }

    private static func expectNoAttempt(
        _ extra: inout ExtraConnections,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let attempt = extra.endAttempt()
        #expect(attempt == nil, sourceLocation: sourceLocation)
    }

    private static func connection() -> HTTP2Connection {
        HTTP2Connection(
            config: .test(role: .client(maxQueuedRequests: 1), limits: .defaults),
            scheduler: LoopScheduler(loop: MultiThreadedEventLoopGroup.singleton.next()),
            delegate: RawDelegate()
        )
    }

    private static func link(_ connection: HTTP2Connection) -> ReadyConnection {
        ReadyConnection(http2: connection, remotePeer: "x", localPeer: "x")
    }

    @Test func extraConnectionsAreMadeOneAtATime() {
        var extra = ExtraConnections()
        Self.expectWanted(true, &extra, maxCount: 2)
        Self.expectWanted(false, &extra, maxCount: 2)
        let first = Self.connection()
        extra.attemptBegan(first)
        #expect(extra.isAttempt(first))
        #expect(!extra.isAttempt(Self.connection()))
        Self.expectWanted(false, &extra, maxCount: 2)
        extra.attemptSucceeded(Self.link(first))
        #expect(!extra.isAttempt(first))
        #expect(extra.connections.map { $0.http2 === first } == [true])
        Self.expectWanted(true, &extra, maxCount: 2)
    }

    @Test(arguments: 0...3)
    func extraConnectionsAreBounded(_ maxCount: Int) {
        var extra = ExtraConnections()
        while extra.isWanted(maxCount: maxCount) {
            let connection = Self.connection()
            extra.attemptBegan(connection)
            extra.attemptSucceeded(Self.link(connection))
            guard extra.connections.count <= 3 else { break }
        }
        #expect(extra.connections.count == maxCount)
    }

    @Test func boundOf0AllowsNoExtraConnection() {
        var extra = ExtraConnections()
        Self.expectWanted(false, &extra, maxCount: 0)
        Self.expectWanted(false, &extra, maxCount: -1)
    }

    @Test func failedAttemptDelaysTheNext() {
        var extra = ExtraConnections()
        Self.expectWanted(true, &extra, maxCount: 1)
        extra.attemptFailed(wait: .seconds(1000))
        #expect(extra.failures == 1)
        Self.expectWanted(false, &extra, maxCount: 1)
        extra.attemptFailed(wait: .zero)
        #expect(extra.failures == 2)
        Self.expectWanted(true, &extra, maxCount: 1)
        let connection = Self.connection()
        extra.attemptBegan(connection)
        extra.attemptSucceeded(Self.link(connection))
        #expect(extra.failures == 0)
    }

    @Test func abandonedAttemptLeavesNoConnection() {
        var extra = ExtraConnections()
        Self.expectNoAttempt(&extra)
        Self.expectWanted(true, &extra, maxCount: 1)
        // The attempt has not begun.
        Self.expectNoAttempt(&extra)
        Self.expectWanted(true, &extra, maxCount: 1)
        let connection = Self.connection()
        extra.attemptBegan(connection)
        let ended = extra.endAttempt()
        #expect(ended === connection)
        #expect(!extra.isAttempt(connection))
        #expect(extra.connections.isEmpty)
    }

    @Test func lostExtraConnectionMakesRoom() {
        var extra = ExtraConnections()
        let connections = (0..<2).map { _ in Self.connection() }
        for connection in connections {
            Self.expectWanted(true, &extra, maxCount: 2)
            extra.attemptBegan(connection)
            extra.attemptSucceeded(Self.link(connection))
        }
        Self.expectWanted(false, &extra, maxCount: 2)
        extra.remove(connections[0])
        extra.remove(connections[0])
        #expect(extra.connections.map { $0.http2 === connections[1] } == [true])
        Self.expectWanted(true, &extra, maxCount: 2)
    }
}
