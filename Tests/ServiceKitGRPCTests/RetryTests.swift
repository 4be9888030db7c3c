import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC

/// The calls that are retried, and the nodes of the retries.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct RetryTests {
    private func options(
        idempotent: [String] = ["/test.Service/"],
        attempts: Int = 3,
        burst: Int = 1000,
        buffer: ByteCount = 262_144
    ) -> ChannelOptions {
        var options = ChannelOptions()
        options.retry.idempotent = idempotent
        options.retry.attempts = attempts
        options.retry.burst = burst
        options.retry.buffer = buffer
        return options
    }

    private static let databaseDown = ServiceError(
        .unavailable,
        reason: "DATABASE_DOWN",
        message: "the database is down"
    )
    private static let unavailable: TestService.Handler = { _, _ in throw databaseDown }

    /// A first instance that misbehaves, and a second one that serves.
    private func withRawServer(
        _ behavior: RawServer.Behavior,
        _ options: ChannelOptions,
        _ body: (TestClient, OrderedBalancer) async throws -> Void
    ) async throws {
        try await withTestBed { bed in
            let raw = try RawServer(behavior)
            defer { raw.stop() }
            let discoverer = ScriptedDiscoverer()
            discoverer.say(raw.endpoint, try await bed.server("b", isRegistered: false).endpoint)
            let balancer = OrderedBalancer()
            let client = try bed.client(options, balancer: balancer, discoverer: discoverer)
            await balancer.waitForNodes("a", "b")
            try await body(client, balancer)
            _ = await balancer.inFlight.first { $0 == 0 }
        }
    }

    // MARK: - Calls that were not processed

    @Test(arguments: [RawServer.Behavior.refuses(afterBytes: 0), .goesAway])
    func unprocessedCallOfAnyMethodIsRetried(_ behavior: RawServer.Behavior) async throws {
        // Such a retry counts neither as an attempt nor against the budget.
        try await withRawServer(behavior, options(idempotent: [], attempts: 1, burst: 0)) { client, balancer in
            let name = try await client.text()
            #expect(name == "b")
            #expect(balancer.picks.value == ["a", "b"])
        }
    }

    @Test func aRetrySendsAPartlyStreamedRequestFromItsBeginning() async throws {
        try await withRawServer(.refuses(afterBytes: 300), options(idempotent: [])) { client, balancer in
            let messages = (0..<200).map { [UInt8](repeating: UInt8($0), count: $0) }
            let received = try await client.echo(messages)
            #expect(received == messages)
            #expect(balancer.picks.value == ["a", "b"])
        }
    }

    @Test func messagesWrittenAfterARefusalFollowInTheRetry() async throws {
        try await withRawServer(.refuses(afterBytes: 0), options(idempotent: [])) { client, balancer in
            let received = try await client.stream { writer in
                try await writer.write([1])
                // The second attempt is in flight.
                _ = await balancer.picks.first { $0.count == 2 }
                try await writer.write([2])
                try await writer.write([3])
            } _: { response in
                try await response.messages.reduce(into: []) { $0.append($1) }
            }
            #expect(received == [[1], [2], [3]])
        }
    }

    @Test func aRequestLargerThanTheBufferIsNotRetried() async throws {
        try await withRawServer(.refuses(afterBytes: 100), options(buffer: 64)) { client, balancer in
            let failure = await client.failure("Echo", [UInt8](repeating: 1, count: 200))
            #expect(failure?.code == .unavailable)
            #expect(balancer.picks.value == ["a"])
        }
    }

    @Test func emptyMessagesCountAgainstTheBuffer() async throws {
        try await withRawServer(.refuses(afterBytes: 100), options(buffer: 1024)) { client, balancer in
            await #expect(throws: RPCError.self) {
                try await client.stream { writer in
                    for _ in 0..<100 { try await writer.write([]) }
                } _: { response in
                    for try await _ in response.messages {}
                }
            }
            #expect(balancer.picks.value == ["a"])
        }
    }

    @Test func aCallThatEveryAttemptRefusesFailsAfterTenRetries() async throws {
        try await withTestBed { bed in
            let raw = try RawServer(.refuses(afterBytes: 0))
            defer { raw.stop() }
            let discoverer = ScriptedDiscoverer()
            discoverer.say(raw.endpoint)
            let balancer = OrderedBalancer()
            let client = try bed.client(balancer: balancer, discoverer: discoverer)
            #expect(await client.failure()?.code == .unavailable)
            #expect(balancer.picks.value.count == 11)
            #expect(balancer.inFlight.value == 0)
        }
    }

    // MARK: - Calls that may have been processed

    @Test func aLostCallOfAnIdempotentMethodIsRetried() async throws {
        try await withRawServer(.closes, options(idempotent: ["/test.Service/Name"])) { client, balancer in
            let name = try await client.text()
            #expect(name == "b")
            #expect(balancer.picks.value == ["a", "b"])
        }
    }

    @Test func aLostCallOfAnotherMethodIsNotRetried() async throws {
        try await withRawServer(.closes, options(idempotent: ["/test.Service/Other"])) { client, balancer in
            let failure = await client.failure()
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains("was lost") == true)
            #expect(balancer.picks.value == ["a"])
        }
    }

    @Test func anUnavailableHandlerIsRetriedOnAnotherNode() async throws {
        try await withTestBed { bed in
            try await bed.server("a", ["Try": Self.unavailable])
            let report: TestService.Handler = { request, _ in
                .text(request.metadata.text("grpc-previous-rpc-attempts") ?? "none")
            }
            try await bed.server("b", ["Try": report])
            let balancer = OrderedBalancer()
            let client = try bed.client(options(), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            #expect(try await client.text("Try") == "1")
            #expect(balancer.picks.value == ["a", "b"])
            #expect(balancer.reports.value.map(\.outcome) == [.failure, .success])
        }
    }

    @Test func attemptsAreLimitedAndTheCallerGetsTheLastError() async throws {
        try await withTestBed { bed in
            for id in ["a", "b", "c", "d"] {
                try await bed.server(
                    id,
                    [
                        "Try": { _, _ in
                            throw ServiceError(.unavailable, reason: "DOWN", message: "\(id) is down")
                        }
                    ]
                )
            }
            let balancer = OrderedBalancer()
            let client = try bed.client(options(attempts: 3), balancer: balancer)
            await balancer.waitForNodes("a", "b", "c", "d")
            let failure = try #require(await client.failure("Try"))
            #expect(failure.serviceError == ServiceError(.unavailable, reason: "DOWN", message: "c is down"))
            #expect(balancer.picks.value == ["a", "b", "c"])
            #expect(balancer.inFlight.value == 0)
        }
    }

    @Test func onlyInstanceIsRetried() async throws {
        try await withTestBed { bed in
            let calls = Watched(0)
            try await bed.server(
                "a",
                [
                    "Try": { _, _ in
                        guard calls.increment() == 3 else { throw Self.databaseDown }
                        return .text("a")
                    }
                ]
            )
            #expect(try await bed.client(options()).text("Try") == "a")
        }
    }

    @Test func anErrorOtherThanUnavailableIsNotRetried() async throws {
        try await withTestBed { bed in
            let calls = Watched(0)
            try await bed.server(
                "a",
                [
                    "Try": { _, _ in
                        calls.update { $0 += 1 }
                        throw RPCError(code: .resourceExhausted, message: "too many")
                    }
                ]
            )
            let client = try bed.client(options())
            #expect(await client.failure("Try")?.code == .resourceExhausted)
            #expect(calls.value == 1)
        }
    }

    @Test func codesOfAMethodDecideWhatIsRetried() async throws {
        try await withTestBed { bed in
            let calls = Watched<[String]>([])
            func failing(_ name: String) -> TestService.Handler {
                { _, _ in
                    calls.update { $0.append(name) }
                    throw RPCError(code: .resourceExhausted, message: "too many")
                }
            }
            try await bed.server("a", ["Try": failing("Try"), "Other": failing("Other")])
            var options = options()
            options.retry.backoff.initial = .milliseconds(1)
            var method = RetryOptions.Method()
            method.codes = [.resourceExhausted]
            method.attempts = 5
            options.retry.methods = ["/test.Service/Try": method]
            let client = try bed.client(options)
            for name in ["Try", "Other"] { #expect(await client.failure(name)?.code == .resourceExhausted) }
            #expect(calls.value == ["Try", "Try", "Try", "Try", "Try", "Other"])
        }
    }

    @Test func pausesGrowAsTheBackoffSays() async throws {
        try await withTestBed { bed in
            try await bed.server("a", ["Try": Self.unavailable])
            var options = options(attempts: 40)
            options.retry.backoff.initial = .milliseconds(20)
            options.retry.backoff.max = .milliseconds(20)
            let client = try bed.client(options)
            // A budget for so many retries.
            for _ in 0..<400 { _ = try await client.text() }
            let start = ContinuousClock.now
            #expect(await client.failure("Try")?.code == .unavailable)
            // 38 pauses, each drawn between 0 and 20 ms: 380 ms on average. A sum below 150 ms comes once in 10 million.
            #expect(ContinuousClock.now - start > .milliseconds(150))
        }
    }

    @Test func twoChannelsShareTheBudgetOfTheirService() async throws {
        try await withTestBed { bed in
            let calls = Watched(0)
            let down: TestService.Handler = { _, _ in
                calls.update { $0 += 1 }
                throw Self.databaseDown
            }
            try await bed.server("a", ["Try": down])
            let clients = [try bed.client(options(burst: 3)), try bed.client(options(burst: 3))]
            let start = ContinuousClock.now
            for _ in 0..<5 {
                for client in clients { #expect(await client.failure("Try")?.code == .unavailable) }
            }
            // Ten calls, three retries for both, and one for each second that has passed.
            let seconds = Int((ContinuousClock.now - start).components.seconds)
            #expect((13...(14 + seconds)).contains(calls.value))
        }
    }

    @Test func aCallWithResponseHeadersIsNotRetried() async throws {
        try await withTestBed { bed in
            for id in ["a", "b"] {
                try await bed.server(
                    id,
                    [
                        "Try": { _, _ in
                            TestService.Response { _ in throw RPCError(code: .unavailable, message: "\(id) broke") }
                        }
                    ]
                )
            }
            let balancer = OrderedBalancer()
            let client = try bed.client(options(), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            #expect(await client.failure("Try")?.message == "a broke")
            #expect(balancer.picks.value == ["a"])
        }
    }

    @Test func anEmptyBudgetAllowsNoRetry() async throws {
        try await withTestBed { bed in
            try await bed.server("a", ["Try": Self.unavailable])
            try await bed.server("b")
            let balancer = OrderedBalancer()
            let client = try bed.client(options(burst: 0), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            #expect(await client.failure("Try")?.code == .unavailable)
            #expect(balancer.picks.value == ["a"])
            // Ten successful calls would allow one retry, if the bucket had a size.
            for _ in 0..<20 { _ = try await client.text() }
            #expect(await client.failure("Try")?.code == .unavailable)
            #expect(balancer.picks.value.filter { $0 == "b" }.isEmpty)
        }
    }

    @Test func aRetryWithoutANodeNamesTheErrorOfTheAttemptBefore() async throws {
        try await withTestBed { bed in
            let discoverer = ScriptedDiscoverer()
            let balancer = OrderedBalancer()
            let server = try await bed.server(
                "a",
                [
                    "Try": { _, _ in
                        discoverer.say()
                        await balancer.waitForNodes()
                        throw Self.databaseDown
                    }
                ],
                isRegistered: false
            )
            discoverer.say(try await server.endpoint)
            let client = try bed.client(options(), balancer: balancer, discoverer: discoverer)
            let failure = try #require(await client.failure("Try"))
            #expect(failure.code == .unavailable)
            #expect(
                failure.message == "no instance of \"test\" with a grpc endpoint is registered; "
                    + "the attempt before failed: the database is down"
            )
            #expect(failure.serviceError.reason == "DATABASE_DOWN")
        }
    }

    @Test func noRetryIsMadeAfterTheDeadline() async throws {
        try await withTestBed { bed in
            let calls = Watched(0)
            try await bed.server(
                "a",
                [
                    "Try": { _, _ in
                        calls.update { $0 += 1 }
                        throw Self.databaseDown
                    }
                ]
            )
            // Only the channel has the deadline, as if a middleware had set it. It has passed when the failure comes.
            let client = try bed.client(
                options(attempts: 100), middleware: [Begin { $0.deadline = .now + .milliseconds(100) }])
            let failure = try #require(await client.failure("Try"))
            #expect(failure.code == .unavailable || failure.code == .deadlineExceeded)
            #expect(calls.value < 100)
        }
    }

    // MARK: - The server's word

    private static func pushedBack(_ value: String) -> RPCError {
        RPCError(code: .unavailable, message: "busy", metadata: [RetryPushback.key: "\(value)"])
    }

    @Test func serverThatPushesBackGetsTheRetryAfterThePause() async throws {
        try await withTestBed { bed in
            let calls = Watched(0)
            try await bed.server(
                "a",
                [
                    "Try": { _, _ in
                        guard calls.increment() == 2 else { throw Self.pushedBack("300") }
                        return .text("a")
                    }
                ]
            )
            let client = try bed.client(options())
            let start = ContinuousClock.now
            #expect(try await client.text("Try") == "a")
            // Without the server's word the first retry is made at once.
            #expect(ContinuousClock.now - start >= .milliseconds(300))
        }
    }

    @Test(arguments: ["-1", "soon", "", "60001"])
    func serverThatWantsNoRetryGetsNone(value: String) async throws {
        try await withTestBed { bed in
            let calls = Watched(0)
            try await bed.server(
                "a",
                [
                    "Try": { _, _ in
                        calls.update { $0 += 1 }; throw Self.pushedBack(value)
                    }
                ])
            let failure = try #require(await bed.client(options()).failure("Try"))
            #expect(failure.code == .unavailable)
            #expect(calls.value == 1)
        }
    }

    @Test(arguments: [
        (["0"], RetryPushback.after(.zero)), (["60000"], .after(.seconds(60))), (["60001"], .never), (["-1"], .never),
        (["1", "2"], .never), (["1.5"], .never), (["99999999999999999999"], .never), ([], .none),
    ])
    func pushbackIsReadFromTrailers(values: [String], expected: RetryPushback) {
        var trailers = Metadata()
        for value in values { trailers.addString(value, forKey: RetryPushback.key) }
        #expect(RetryPushback(trailers) == expected)
    }

    @Test func eachAttemptGetsTheTimeThatIsLeft() async throws {
        try await withTestBed { bed in
            let timeouts = Watched<[Duration]>([])
            for id in ["a", "b"] {
                try await bed.server(
                    id,
                    [
                        "Try": { request, _ in
                            if let timeout = request.metadata.grpcTimeout { timeouts.update { $0.append(timeout) } }
                            throw Self.databaseDown
                        }
                    ]
                )
            }
            let balancer = OrderedBalancer()
            let client = try bed.client(options(attempts: 2), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            var callOptions = CallOptions.defaults
            callOptions.timeout = .seconds(50)
            #expect(await client.failure("Try", options: callOptions)?.code == .unavailable)
            #expect(timeouts.value.count == 2)
            #expect(timeouts.value[1] < timeouts.value[0])
            #expect(timeouts.value[0] <= .seconds(50))
        }
    }

    // MARK: - Memory

    @Test func aRequestWithoutAnInstanceIsBufferedUpToTheLimit() async throws {
        try await withTestBed { bed in
            let written = Watched(0)
            let writtenBefore = Watched(0)
            let client = try bed.client(discoverer: bed.registry)
            let call = Task {
                var callOptions = CallOptions.defaults
                callOptions.waitForReady = true
                return try await client.stream("Count", options: callOptions) { writer in
                    for _ in 0..<200 {
                        try await writer.write([UInt8](repeating: 1, count: 65_536))
                        written.update { $0 += 1 }
                    }
                } _: { response in
                    try await response.messages.reduce(into: []) { $0.append($1) }
                }
            }
            _ = await written.first { $0 == 3 }
            try await bed.server(
                "a",
                [
                    "Count": { request, _ in
                        writtenBefore.set(written.value)
                        let count = try await request.messages.reduce(0) { count, _ in count + 1 }
                        return .text("\(count)")
                    }
                ]
            )
            #expect(try await call.value == [Array("200".utf8)])
            // 256 KiB are kept; beyond them only the stream and its window hold bytes.
            #expect(writtenBefore.value < 40)
        }
    }
}

extension Watched<Int> {
    fileprivate func increment() -> Int {
        update { count in
            count += 1
            return count
        }
    }
}

extension Metadata {
    fileprivate var grpcTimeout: Duration? {
        guard var text = self[stringValues: "grpc-timeout"].first(where: { _ in true }) else { return nil }
        return text.withUTF8 { GRPCTimeout($0)?.duration }
    }
}
