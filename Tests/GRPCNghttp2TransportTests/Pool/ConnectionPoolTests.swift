import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The connections beyond the first: they are made for waiting calls, up to a bound.
@Suite(.timeLimit(.minutes(1)))
struct ConnectionPoolTests {
    /// A server that answers nothing before the test tells it to.
    private struct Answers: Sendable {
        let open = Shared<[HTTP2Stream]>([])

        var count: Int { open.value.count }
        var connections: Int { Set(open.value.map { ObjectIdentifier($0.connection) }).count }

        func take(_ stream: HTTP2Stream, _ headers: HeaderBlock?) {
            open.update { $0.append(stream) }
        }

        func answerAll() throws {
            for stream in open.value {
                try stream.send(head: HeaderBlock([HeaderName.status: "0"]), prefix: .common, endStream: true)
            }
        }
    }

    private static func config(
        maxConnections: Int,
        configure: (inout ClientTransportConfig) -> Void = { _ in }
    ) -> ClientTransportConfig {
        ClientTransportConfig.defaults {
            $0.maxConnections = maxConnections
            $0.backoff.initial = .milliseconds(1)
            $0.backoff.max = .milliseconds(5)
            configure(&$0)
        }
    }

    private static func begin(_ count: Int, _ connection: ClientConnection) async throws -> [ClientStream] {
        var calls: [ClientStream] = []
        for _ in 0..<count {
            let call = try connection.makeStream(descriptor: RawService.method("Any"))
            try await call.write(.metadata([:]))
            calls.append(call)
        }
        return calls
    }

    private static func expectOK(_ calls: some Sequence<ClientStream>) async throws {
        for call in calls {
            guard case .status(let status, _)? = try await call.next() else {
                Issue.record("no status")
                return
            }
            #expect(status.code == .ok)
            call.cancel()
        }
    }

    /// All calls begin at once: each connection that was made finds calls that still wait.
    @Test func poolConnectsAsOftenAsItsCallsNeed() async throws {
        let answers = Answers()
        try await RawHTTP2Server.run(maxConcurrentStreams: 2, onStream: answers.take) { server in
            try await withClientConnection(server.address, config: Self.config(maxConnections: 10)) { connection in
                let calls = try await Self.begin(6, connection)
                try await eventually { answers.count == 6 }
                #expect(answers.connections == 3)
                #expect(server.accepted.count == 3, "no more than needed")
                try answers.answerAll()
                try await Self.expectOK(calls)
            }
        }
    }

    @Test func poolIsBoundedAndWaitingCallsTakeFreedPlaces() async throws {
        let answers = Answers()
        try await RawHTTP2Server.run(maxConcurrentStreams: 2, onStream: answers.take) { server in
            try await withClientConnection(server.address, config: Self.config(maxConnections: 2)) { connection in
                let calls = try await Self.begin(6, connection)
                try await eventually { answers.count == 4 }
                #expect(answers.connections == 2)
                // The waiting calls take the places of the ended ones.
                try answers.answerAll()
                try await eventually { answers.count == 6 }
                try answers.open.value.suffix(2).forEach {
                    try $0.send(head: HeaderBlock([HeaderName.status: "0"]), prefix: .common, endStream: true)
                }
                try await Self.expectOK(calls)
                #expect(server.accepted.count == 2)
            }
        }
    }

    /// The attempt is made again after its wait, though no further call comes that would ask for it.
    @Test func waitingCallGetsAConnectionAfterAFailedAttempt() async throws {
        let answers = Answers()
        try await RawHTTP2Server.run(maxConcurrentStreams: 1, closingConnection: 2, onStream: answers.take) { server in
            try await withClientConnection(server.address, config: Self.config(maxConnections: 2)) { connection in
                let calls = try await Self.begin(2, connection)
                try await eventually { answers.count == 2 }
                #expect(server.accepted.count == 3)
                try answers.answerAll()
                try await Self.expectOK(calls)
            }
        }
    }

    /// A call may choose a connection before a second one exists, and reach it after that one is ready.
    @Test func lateCallIsHandedToTheNewConnection() async throws {
        let answers = Answers()
        try await RawHTTP2Server.run(maxConcurrentStreams: 2, onStream: answers.take) { server in
            try await withClientConnection(server.address, config: Self.config(maxConnections: 2)) { connection in
                var calls = try await Self.begin(2, connection)
                let late = try connection.makeStream(descriptor: RawService.method("Any"))
                calls += try await Self.begin(1, connection)
                // The second connection is ready, with room for one more.
                try await eventually { answers.count == 3 }
                try await late.write(.metadata([:]))
                try await eventually { answers.count == 4 }
                #expect(answers.connections == 2)
                try answers.answerAll()
                try await Self.expectOK(calls + [late])
            }
        }
    }

    @Test func idleExtraConnectionsAreClosed() async throws {
        let answers = Answers()
        let config = Self.config(maxConnections: 4) { $0.maxConnectionIdle = .milliseconds(50) }
        let recorder = StateRecorder()
        try await RawHTTP2Server.run(maxConcurrentStreams: 1, onStream: answers.take) { server in
            try await withClientConnection(server.address, config: config, recorder: recorder) { connection in
                let calls = try await Self.begin(3, connection)
                try await eventually { answers.count == 3 }
                #expect(answers.connections == 3)
                try answers.answerAll()
                try await Self.expectOK(calls)
                try await eventually { server.accepted.openCount == 1 }
                #expect(connection.isReady)
            }
        }
        #expect(recorder.names == ["connecting", "ready", "shutdown"], "the first has stayed")
    }

    @Test func extraConnectionReplacesALostFirstOne() async throws {
        let answers = Answers()
        let recorder = StateRecorder()
        try await RawHTTP2Server.run(maxConcurrentStreams: 2, onStream: answers.take) { server in
            let config = Self.config(maxConnections: 2)
            try await withClientConnection(server.address, config: config, recorder: recorder) { connection in
                let calls = try await Self.begin(3, connection)
                try await eventually { answers.count == 3 }
                server.accepted.killFirst()
                try await eventually { recorder.names.count == 3 }
                #expect(recorder.names == ["connecting", "ready", "ready"])
                let late = try await Self.begin(1, connection)
                try await eventually { answers.count == 4 }
                #expect(server.accepted.count == 2, "no connection was made for it")
                // The connections are on different event loops, so that their calls come in any order.
                let first = try #require(server.accepted.first)
                for stream in answers.open.value where stream.connection !== first {
                    try stream.send(head: HeaderBlock([HeaderName.status: "0"]), prefix: .common, endStream: true)
                }
                try await Self.expectOK(Array(calls.suffix(1)) + late)
            }
        }
    }
}
