import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC

/// Callers that misuse their call: it has one clear end, and nothing of it stays.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct ClumsyCallerTests {
    private static let count: TestService.Handler = { request, _ in
        let message = try await request.messages.first { _ in true } ?? []
        return TestService.Response { writer in
            for number in 0..<(message.first ?? 0) { try await writer.write([number]) }
            return [:]
        }
    }

    private func withClient(
        _ handlers: [String: TestService.Handler] = [:],
        _ options: ChannelOptions = ChannelOptions(),
        _ body: (TestClient) async throws -> Void
    ) async throws {
        try await withTestBed { bed in
            let server = try await bed.server("a", handlers.merging(["Count": Self.count]) { own, _ in own })
            let client = try bed.client(options)
            #expect(try await client.text() == "a")
            try await body(client)
            let snapshot = client.channel.snapshot()
            #expect(snapshot.callsInFlight == 0 && snapshot.callsWaiting == 0)
            try await eventually { server.callsInFlight == 0 }
        }
    }

    /// A message that cannot be read.
    private struct Unreadable: MessageSerializer, MessageDeserializer {
        struct Failure: Error {}
        var canWrite = true

        func serialize<Wire: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Wire {
            guard canWrite else { throw Failure() }
            return Wire(message)
        }

        func deserialize<Wire: GRPCContiguousBytes>(_ wire: Wire) throws -> [UInt8] {
            throw Failure()
        }
    }

    private func stream(_ client: TestClient, _ codec: Unreadable? = nil) -> ResponseStream<[UInt8]> {
        guard let codec else {
            return client.channel.serverStreaming(
                [5], .test("Count"), serializer: Bytes(), deserializer: Bytes()
            )
        }
        return client.channel.serverStreaming([5], .test("Count"), serializer: codec, deserializer: codec)
    }

    @Test func streamThatNobodyReadsMakesNoCall() async throws {
        try await withClient { client in
            let before = client.channel.snapshot().nodes.map(\.requests)
            _ = stream(client)
            _ = stream(client).makeAsyncIterator()
            #expect(client.channel.snapshot().nodes.map(\.requests) == before)
        }
    }

    @Test func eachLoopOverAStreamMakesACall() async throws {
        try await withClient { client in
            let stream = stream(client)
            for _ in 0..<2 {
                let numbers = try await stream.reduce(into: []) { $0 += $1 }
                #expect(numbers == [0, 1, 2, 3, 4])
            }
        }
    }

    @Test func iteratorBehindItsEndGivesNothing() async throws {
        try await withClient { client in
            var iterator = stream(client).makeAsyncIterator()
            while try await iterator.next() != nil {}
            let requests = client.channel.snapshot().nodes.map(\.requests)
            let next = try await iterator.next()
            #expect(next == nil)
            #expect(client.channel.snapshot().nodes.map(\.requests) == requests)
        }
    }

    /// Without an end, the second read would wait for a call that never begins, or go on behind a message that is lost.
    @Test(arguments: [true, false])
    func iteratorBehindItsErrorGivesNothing(canWrite: Bool) async throws {
        try await withClient { client in
            var iterator = stream(client, Unreadable(canWrite: canWrite)).makeAsyncIterator()
            await #expect(throws: Unreadable.Failure.self) { try await iterator.next() }
            // The call has ended with its error, not with the iterator.
            #expect(client.channel.snapshot().callsInFlight == 0)
            let next = try await iterator.next()
            #expect(next == nil)
        }
    }

    @Test func iteratorThatIsDroppedInTheMiddleEndsItsCall() async throws {
        let ended = Watched(false)
        let pour: TestService.Handler = { _, _ in
            TestService.Response { writer in
                defer { ended.set(true) }
                while true { try await writer.write([1]) }
            }
        }
        try await withClient(["Pour": pour]) { client in
            let answers = try await client.responses("Pour", first: 3)
            #expect(answers == [[1], [1], [1]])
            #expect(client.channel.snapshot().callsInFlight == 0)
            _ = await ended.first(where: \.self)
        }
    }

    @Test func responseIsOverForThoseWhoKeepItBeyondTheCall() async throws {
        try await withClient { client in
            let kept = try await client.stream { writer in
                try await writer.write([1])
                // The request goes on for as long as the call.
                try await Task.sleep(for: .seconds(1000))
            } _: { response in
                response
            }
            await #expect(throws: RPCError.self) {
                for try await _ in kept.messages {}
            }
        }
    }

    @Test func writerIsOverForThoseWhoKeepItBeyondTheCall() async throws {
        try await withClient { client in
            let kept = Watched<RPCWriter<[UInt8]>?>(nil)
            let answers = try await client.stream { writer in
                kept.set(writer)
                try await writer.write([1])
            } _: { response in
                try await response.messages.reduce(into: []) { $0.append($1) }
            }
            #expect(answers == [[1]])
            let writer = try #require(kept.value)
            await #expect(throws: (any Error).self) { try await writer.write([2]) }
        }
    }

    /// The reader waits on the stream, which only the end of the call can wake.
    @Test func requestThatFailsEndsACallThatWaitsForItsAnswer() async throws {
        struct Broken: Error {}
        let arrived = Gate()
        let wait: TestService.Handler = { _, context in
            arrived.open()
            try await context.cancellation.cancelled
            throw CancellationError()
        }
        try await withClient(["Wait": wait]) { client in
            let isBroken = try await client.stream("Wait") { writer in
                try await writer.write([1])
                try await arrived.pass()
                throw Broken()
            } _: { response in
                if case .failure(let error) = response.accepted { error.cause is Broken } else { false }
            }
            #expect(isBroken)
        }
    }

    @Test func streamBeyondTheEndOfItsChannelFails() async throws {
        try await withTestBed { bed in
            try await bed.server("a", ["Count": Self.count])
            let client = try bed.client()
            let stream = stream(client)
            #expect(try await client.text() == "a")
            await client.shutDown()
            let error = await #expect(throws: RPCError.self) { for try await _ in stream {} }
            #expect(error?.code == .failedPrecondition)
            #expect(await client.failure() != nil)
        }
    }

    /// The channel ends gracefully: the loop that has begun goes on.
    @Test func streamThatHasBegunOutlivesTheShutdownOfItsChannel() async throws {
        let gate = Gate()
        let slow: TestService.Handler = { _, _ in
            TestService.Response { writer in
                try await writer.write([1])
                try await gate.pass()
                try await writer.write([2])
                return [:]
            }
        }
        try await withClient(["Slow": slow]) { client in
            let answers = try await client.stream("Slow") { _ in
            } _: { response in
                try await response.messages.reduce(into: [UInt8]()) { answers, message in
                    answers += message
                    client.beginGracefulShutdown()
                    gate.open()
                }
            }
            #expect(answers == [1, 2])
        }
    }

    /// A stream that fails ends its writers first. Their error must not hide the reason from the reader.
    @Test func writerOfAFailedStreamDoesNotEndTheCall() async throws {
        try await withClient { client in
            let pool = client.channel.pool
            let (pick, stream) = try #require(
                try pool.attempt("/test", number: 1, avoid: []) { connection in
                    try connection.makeStream(descriptor: .test("Count"), deadline: nil, options: .defaults)
                }
            )
            let attempt = Attempt(pick, stream)
            var state = ClientCallState()
            _ = state.begin(ClientCallStart())
            _ = try state.begin(attempt, nil, keeping: 1000)
            state.commit()
            var isDecided = state.isDecided
            #expect(!isDecided)
            // Nothing more is taken of the request, and the end of the response has not come.
            stream.finish()
            #expect(throws: RPCError.self) { _ = try state.write([1], keeping: 1000) }
            isDecided = state.isDecided
            #expect(isDecided)
            stream.cancel()
            pool.ended(attempt, of: "/test", with: .abandoned)
        }
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .nanoseconds(1)])
    func deadlineThatHasPassedFailsTheCall(_ timeout: Duration) async throws {
        // GRPCCore ends the program.
        if timeout < .zero, CallPath.current == .grpcCore { return }
        try await withClient { client in
            var options = CallOptions.defaults
            options.timeout = timeout
            #expect(await client.failure(options: options)?.code == .deadlineExceeded)
            let error = await #expect(throws: RPCError.self) {
                try await client.responses("Count", [5], options: options)
            }
            #expect(error?.code == .deadlineExceeded)
        }
    }

    @Test func deadlineEndsALoopBetweenTwoMessages() async throws {
        let stall: TestService.Handler = { _, context in
            TestService.Response { writer in
                try await writer.write([1])
                try await context.cancellation.cancelled
                throw CancellationError()
            }
        }
        try await withClient(["Stall": stall]) { client in
            var options = CallOptions.defaults
            options.timeout = .milliseconds(200)
            let error = await #expect(throws: RPCError.self) { try await client.responses("Stall", options: options) }
            #expect(error?.code == .deadlineExceeded)
        }
    }

    @Test func cancelledTaskMakesNoCall() async throws {
        try await withClient { client in
            let before = client.channel.snapshot().nodes.map(\.requests)
            let calls = [
                Task { await Self.hasFailed { try await client.text() } },
                Task { await Self.hasFailed { try await client.responses("Count", [5]) } },
                Task { await Self.hasFailed { try await client.echo([[1]]) } },
            ]
            for call in calls { #expect(await call.value) }
            // Servers are not troubled with calls whose callers are gone.
            if CallPath.current == .direct { #expect(client.channel.snapshot().nodes.map(\.requests) == before) }
        }
    }

    private static func hasFailed<Result: Sendable>(_ call: @Sendable () async throws -> Result) async -> Bool {
        withUnsafeCurrentTask { $0?.cancel() }
        do {
            _ = try await call()
            return false
        } catch {
            return (error as? RPCError)?.code == .cancelled || error is CancellationError
        }
    }

    /// Messages that are written before a node is found are sent by another task.
    @Test func keptMessagesKeepTheirWritersCompression() async throws {
        try await withTestBed { bed in
            var options = ChannelOptions()
            options.compression.algorithm = .gzip
            // The server comes late on a busy machine.
            options.settleTimeout = .seconds(50)
            options.readyTimeout = .seconds(50)
            let client = try bed.client(options)
            let compressed = Watched<[Bool]>([])
            let note: TestService.Handler = { request, context in
                let transport = try #require(context.transportSpecific as? Nghttp2ServerTransport.Context)
                for try await _ in request.messages {
                    compressed.update { $0.append(transport.receivedMessageWasCompressed) }
                }
                return .text("noted")
            }
            let written = Gate()
            let call = Task {
                try await client.stream("Note") { writer in
                    let message = [UInt8](repeating: 0, count: 1000)
                    try await withMessageCompression(false) { try await writer.write(message) }
                    try await writer.write(message)
                    written.open()
                } _: { response in
                    try await response.messages.reduce(into: []) { $0.append($1) }
                }
            }
            try await written.pass()
            try await bed.server("a", ["Note": note])
            _ = try await call.value
            #expect(compressed.value == [false, true])
        }
    }

    @Test func messagesBeyondTheLimitsFailTheirCalls() async throws {
        var options = ChannelOptions()
        options.limits.maxMessage = 1000
        options.limits.maxSendMessage = 2000
        let large: TestService.Handler = { _, _ in
            TestService.Response { writer in
                try await writer.write([UInt8](repeating: 0, count: 1000))
                try await writer.write([UInt8](repeating: 0, count: 1001))
                return [:]
            }
        }
        try await withClient(["Large": large], options) { client in
            // The handler waits for the message: an answer before it would be the call's end.
            #expect(await client.failure("Count", [UInt8](repeating: 0, count: 2001))?.code == .resourceExhausted)
            let received = try await client.responses("Large", first: 1)
            #expect(received.map(\.count) == [1000])
            let error = await #expect(throws: RPCError.self) { try await client.responses("Large") }
            #expect(error?.code == .resourceExhausted)
            var compressed = CallOptions.defaults
            compressed.compression = .gzip
            let message = [UInt8](repeating: 0, count: 1000)
            let echo = try await client.echo([message], options: compressed)
            #expect(echo == [message])
            #expect(
                await client.failure("Count", [UInt8](repeating: 0, count: 2001), options: compressed)?.code
                    == .resourceExhausted, "the limit is of the message before compression")
        }
    }
}
