import GRPCCore
import NIOCore
import NIOPosix
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite(.timeLimit(.minutes(1)))
struct ClientConnectionTests {
    /// A backoff that is short enough for a test.
    private static var eager: ClientTransportConfig {
        var config = ClientTransportConfig.defaults
        config.backoff.initial = .milliseconds(1)
        config.backoff.max = .milliseconds(5)
        return config
    }

    @Test func stateGoesFromConnectingToReadyToShutdown() async throws {
        let recorder = StateRecorder()
        try await withServer(["Echo": RawService.echo]) { _, address in
            try await withClientConnection(address, recorder: recorder) { connection in
                let parts = try await connection.call("Echo", [1])
                #expect(parts.count == 3)
            }
        }
        #expect(recorder.names == ["connecting", "ready", "shutdown"])
    }

    @Test func streamWithoutAConnectionIsRefused() async throws {
        let connection = ClientConnection(address: .anyPort)
        let error = #expect(throws: RPCError.self) {
            try connection.makeStream(descriptor: RawService.method("Any"))
        }
        #expect(error?.isNotProcessed == true)
        #expect(!connection.isReady)
    }

    @Test func refusedConnectionNamesTheAddress() async throws {
        // Nobody listens at that port.
        let address = TransportAddress.ipv4(host: "127.0.0.1", port: 1)
        let recorder = StateRecorder()
        try await withClientConnection(address, recorder: recorder, untilReady: false) { connection in
            try await eventually { recorder.lastFailure != nil }
            let error = try #require(recorder.lastFailure)
            #expect(error.isNotProcessed)
            #expect(error.message == "cannot connect to \(address): Connection refused")
            #expect(throws: RPCError.self) { try connection.makeStream(descriptor: RawService.method("Any")) }
        }
    }

    @Test func attemptsGoOnUntilTheServerListens() async throws {
        let address = TransportAddress.unusedPath()
        let recorder = StateRecorder()
        try await withClientConnection(
            address, config: Self.eager, recorder: recorder, untilReady: false
        ) { connection in
            try await eventually { recorder.names.count { $0 == "failed" } > 5 }
            try await withServer(["Echo": RawService.echo], address: address) { _, _ in
                try await eventually { connection.isReady }
                let parts = try await connection.call("Echo", [1])
                #expect(parts.count == 3)
            }
        }
    }

    /// A wait of minutes before the next attempt is neither waited out by a shutdown nor by `resetBackoff`.
    @Test func shutdownAndResetBackoffEndTheBackoff() async throws {
        let address = TransportAddress.unusedPath()
        var config = ClientTransportConfig.defaults
        config.backoff.initial = .seconds(100_000)
        config.backoff.max = .seconds(100_000)
        let recorder = StateRecorder()
        try await withClientConnection(
            address, config: config, recorder: recorder, untilReady: false
        ) { connection in
            try await eventually { recorder.lastFailure != nil }
            try await withServer(["Echo": RawService.echo], address: address) { _, _ in
                connection.resetBackoff()
                try await eventually { connection.isReady }
            }
            try await eventually { recorder.names.count { $0 == "failed" } == 2 }
        }
        #expect(recorder.names.last == "shutdown")
    }

    @Test func serverThatDoesNotSpeakHTTP2TimesOut() async throws {
        var config = ClientTransportConfig.defaults
        config.connectTimeout = .milliseconds(100)
        let recorder = StateRecorder()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(channel.localAddress.flatMap(TransportAddress.init))
        try await withClientConnection(
            address, config: config, recorder: recorder, untilReady: false
        ) { connection in
            try await eventually { recorder.lastFailure != nil }
            #expect(recorder.lastFailure?.message.contains("there was no answer within 0.1 seconds") == true)
            #expect(!recorder.names.contains("ready"))
        }
        try await channel.close().get()
    }

    @Test func lostConnectionFailsItsCallsAndIsMadeAgain() async throws {
        let recorder = StateRecorder()
        let (requests, request) = AsyncStream.makeStream(of: Void.self)
        try await RawHTTP2Server.run(onStream: { _, _ in request.yield() }) { server in
            try await withClientConnection(server.address, config: Self.eager, recorder: recorder) { connection in
                let stream = try connection.makeStream(descriptor: RawService.method("Any"))
                try await stream.write(.metadata([:]))
                var iterator = requests.makeAsyncIterator()
                await iterator.next()
                server.accepted.kill()
                let error = await #expect(throws: RPCError.self) { try await stream.next() }
                #expect(error?.code == .unavailable)
                #expect(error?.isNotProcessed == false, "the server may have processed it")
                #expect(error?.message.contains("\(server.address)") == true)
                await #expect(throws: RPCError.self) { try await stream.write(.message([1])) }
                try await eventually { server.accepted.count == 2 && connection.isReady }
            }
        }
        #expect(recorder.names.first == "connecting")
        #expect(recorder.names.count { $0 == "ready" } >= 2)
    }

    /// A caller whose call has failed with its connection does not get that connection for the next call.
    @Test(arguments: [true, false])
    func failedConnectionTakesNoNewCalls(saysGoodbye: Bool) async throws {
        let answer = { @Sendable (_: UInt8) -> [UInt8] in saysGoodbye ? Frames.goAway(last: 0, code: 0) : [] }
        try await ScriptedServer.run(answer: answer, closing: !saysGoodbye) { server in
            try await RawHTTP2Client.run(server.address) { client in
                let takesCalls = Shared<Bool?>(nil)
                let stream = client.http2.makeStream(deadline: nil)
                stream.setListener(
                    FailureListener { takesCalls.update { $0 = client.http2.takesCalls } })
                #expect(client.http2.takesCalls)
                try stream.send(head: HeaderBlock([":path": "/any/any"]), prefix: .common)
                try await eventually { takesCalls.value != nil }
                #expect(takesCalls.value == false)
                stream.reset(.cancel, failure: .cancelled)
            }
        }
    }

    /// On GOAWAY the connection keeps the calls that the server takes and fails the others, and a new connection is
    /// made.
    @Test func goAwayKeepsAcceptedCallsAndMovesOthersToANewConnection() async throws {
        let (streams, opened) = AsyncStream.makeStream(of: HTTP2Stream.self)
        let recorder = StateRecorder()
        try await RawHTTP2Server.run(onStream: { stream, _ in opened.yield(stream) }) { server in
            try await withClientConnection(server.address, config: Self.eager, recorder: recorder) { connection in
                let stream = try connection.makeStream(descriptor: RawService.method("Any"))
                try await stream.write(.metadata([:]))
                var iterator = streams.makeAsyncIterator()
                let peer = try #require(await iterator.next())
                // Made before the GOAWAY, begun after it.
                let late = try connection.makeStream(descriptor: RawService.method("Any"))
                peer.connection.beginGracefulShutdown()
                try await eventually { server.accepted.count == 2 && connection.isReady }
                try await late.write(.metadata([:]))
                let error = await #expect(throws: RPCError.self) { try await late.next() }
                #expect(error?.isNotProcessed == true)
                // The first call ends as usual.
                try peer.send(head: HeaderBlock([HeaderName.status: "0"]), prefix: .common, endStream: true)
                guard case .status(let status, _)? = try await stream.next() else {
                    Issue.record("no status")
                    return
                }
                #expect(status.code == .ok)
                // The new connection serves a new call.
                let next = try connection.makeStream(descriptor: RawService.method("Any"))
                try await next.write(.metadata([:]))
                let nextPeer = try #require(await iterator.next())
                #expect(nextPeer.connection !== peer.connection)
                next.cancel()
            }
        }
    }

    @Test func callsBeyondTheServersStreamLimitWait() async throws {
        var config = Nghttp2ServerTransport.Config.defaults
        config.maxConcurrentCallsPerConnection = 3
        let running = Shared((now: 0, most: 0))
        let echo: RawHandler = { request, context in
            running.update {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            await Task.yield()
            defer { running.update { $0.now -= 1 } }
            return try await RawService.echo(request, context)
        }
        try await withServer(["Echo": echo], config: config) { _, address in
            var clientConfig = ClientTransportConfig.defaults
            clientConfig.maxConnections = 1
            try await withClientConnection(address, config: clientConfig) { connection in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<200 {
                        group.addTask { try await connection.call("Echo", [1]).count }
                    }
                    for try await count in group {
                        #expect(count == 3)
                    }
                }
            }
        }
        #expect(running.value.most <= 3)
    }

    @Test func queueOfWaitingCallsIsBounded() async throws {
        var config = ClientTransportConfig.defaults
        config.maxQueuedCalls = 2
        config.maxConnections = 1
        let (requests, request) = AsyncStream.makeStream(of: String.self)
        let onStream = { @Sendable (_: HTTP2Stream, headers: HeaderBlock?) in
            _ = request.yield(headers?.fields["number"] ?? "none")
        }
        try await RawHTTP2Server.run(maxConcurrentStreams: 1, onStream: onStream) { server in
            try await withClientConnection(server.address, config: config) { connection in
                var iterator = requests.makeAsyncIterator()
                var streams: [ClientStream] = []
                for number in 0..<4 {
                    let stream = try connection.makeStream(descriptor: RawService.method("Any"))
                    try await stream.write(.metadata(["number": "\(number)"]))
                    streams.append(stream)
                    // Each call is made, or queued, before the next one is sent, so that the order is known: the loop
                    // handles its tasks in order, and has handled the call when it runs this task.
                    try await stream.stream.scheduler.loop.submit {}.get()
                }
                let error = await #expect(throws: RPCError.self) { try await streams[3].next() }
                #expect(error?.isNotProcessed == true)
                #expect(await iterator.next() == "0")
                // A call that waits can be cancelled: its place in the queue is free then.
                streams[1].cancel()
                let stream = try connection.makeStream(descriptor: RawService.method("Any"))
                try await stream.write(.metadata(["number": "4"]))
                streams.append(stream)
                streams[0].cancel()
                #expect(await iterator.next() == "2")
                streams[2].cancel()
                #expect(await iterator.next() == "4")
                for stream in streams { stream.cancel() }
            }
        }
    }

    @Test func cancellingRunFailsTheCalls() async throws {
        try await RawHTTP2Server.run(onStream: { _, _ in }) { server in
            let connection = ClientConnection(address: server.address)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await connection.run() }
                try await eventually { connection.isReady }
                let stream = try connection.makeStream(descriptor: RawService.method("Any"))
                try await stream.write(.metadata([:]))
                group.cancelAll()
                let error = await #expect(throws: RPCError.self) { try await stream.next() }
                #expect(error?.code == .cancelled)
                try await group.waitForAll()
            }
        }
    }

    @Test func gracefulShutdownLetsCallsEnd() async throws {
        let (streams, opened) = AsyncStream.makeStream(of: HTTP2Stream.self)
        try await RawHTTP2Server.run(onStream: { stream, _ in opened.yield(stream) }) { server in
            let connection = ClientConnection(address: server.address)
            let hasReturned = Shared(false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await connection.run()
                    hasReturned.update { $0 = true }
                }
                try await eventually { connection.isReady }
                let stream = try connection.makeStream(descriptor: RawService.method("Any"))
                try await stream.write(.metadata([:]))
                var iterator = streams.makeAsyncIterator()
                let peer = try #require(await iterator.next())
                connection.beginGracefulShutdown()
                #expect(throws: RPCError.self) { try connection.makeStream(descriptor: RawService.method("Any")) }
                try peer.send(head: HeaderBlock(), prefix: .common)
                guard case .metadata? = try await stream.next() else {
                    Issue.record("no metadata")
                    return
                }
                #expect(!hasReturned.value)
                try peer.send(end: .trailers(.ok))
                guard case .status? = try await stream.next() else {
                    Issue.record("no status")
                    return
                }
                stream.cancel()
                try await group.waitForAll()
            }
        }
    }
}

@Suite struct ConnectionBackoffTests {
    @Test func backoffGrowsToItsMaximum() {
        var generator = HighestGenerator()
        let backoff = ConnectionBackoff.defaults
        let waits = (1...20).map { backoff.wait(afterFailures: $0, using: &generator) / .milliseconds(1) }
        #expect(abs(waits[0] - 100) < 0.01)
        #expect(abs(waits[1] - 160) < 0.01)
        #expect(abs(waits[2] - 256) < 0.01)
        #expect(abs(waits[19] - 120_000) < 1)
    }

    @Test func backoffHasFullJitter() {
        var generator = LowestGenerator()
        #expect(ConnectionBackoff.defaults.wait(afterFailures: 10, using: &generator) == .zero)
    }

    @Test func backoffOfOddValuesStaysInItsBounds() {
        var generator = HighestGenerator()
        var backoff = ConnectionBackoff.defaults
        backoff.multiplier = 0
        #expect(backoff.wait(afterFailures: 1000, using: &generator) <= .milliseconds(100))
        backoff.initial = .seconds(-1)
        #expect(backoff.wait(afterFailures: 3, using: &generator) == .zero)
    }
}

/// Does something when a stream fails.
private final class FailureListener: HTTP2StreamListener {
    private let action: @Sendable () -> Void

    init(_ action: @escaping @Sendable () -> Void) {
        self.action = action
    }

    func streamFailed() { action() }

    func deadlineCame() {}
}
