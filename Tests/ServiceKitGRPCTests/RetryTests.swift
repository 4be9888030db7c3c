import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC

/// Calls that may have been processed: which ones are retried, and the nodes of the retries.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct RetryTests {
    @Test func aLostCallOfAnIdempotentMethodIsRetried() async throws {
        try await withRawServer(.closes, ChannelOptions.retrying(idempotent: ["/test.Service/Name"])) {
            client, balancer in
            let name = try await client.text()
            #expect(name == "b")
            #expect(balancer.picks.value == ["a", "b"])
        }
    }

    @Test func aLostCallOfAnotherMethodIsNotRetried() async throws {
        try await withRawServer(.closes, ChannelOptions.retrying(idempotent: ["/test.Service/Other"])) {
            client, balancer in
            let failure = await client.failure()
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains("was lost") == true)
            #expect(balancer.picks.value == ["a"])
        }
    }

    @Test func anUnavailableHandlerIsRetriedOnAnotherNode() async throws {
        try await withTestBed { bed in
            try await bed.server("a", ["Try": TestService.unavailable])
            let report: TestService.Handler = { request, _ in
                .text(request.metadata.text("grpc-previous-rpc-attempts") ?? "none")
            }
            try await bed.server("b", ["Try": report])
            let balancer = OrderedBalancer()
            let client = try bed.client(ChannelOptions.retrying(), balancer: balancer)
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
            let client = try bed.client(ChannelOptions.retrying(attempts: 3), balancer: balancer)
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
                        guard calls.increment() == 3 else { throw TestService.databaseDown }
                        return .text("a")
                    }
                ]
            )
            #expect(try await bed.client(ChannelOptions.retrying()).text("Try") == "a")
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
            let client = try bed.client(ChannelOptions.retrying())
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
            var options = ChannelOptions.retrying()
            options.retry.backoff.initial = .milliseconds(1)
            var method = RetryOptions.Method()
            method.codes = [.resourceExhausted]
            method.attempts = 2
            options.retry.methods = ["/test.Service/Try": method]
            let client = try bed.client(options)
            for name in ["Try", "Other"] { #expect(await client.failure(name)?.code == .resourceExhausted) }
            #expect(calls.value == ["Try", "Try", "Other"])
        }
    }

    @Test func pausesGrowAsTheBackoffSays() async throws {
        try await withTestBed { bed in
            try await bed.server("a", ["Try": TestService.unavailable])
            var options = ChannelOptions.retrying(attempts: 20)
            options.retry.backoff.initial = .milliseconds(40)
            options.retry.backoff.max = .milliseconds(40)
            let client = try bed.client(options)
            // A budget for so many retries.
            let budget = client.channel.core.retryBudget
            _ = budget.takeRetry()
            for _ in 0..<400 { budget.succeeded() }
            let start = ContinuousClock.now
            #expect(await client.failure("Try")?.code == .unavailable)
            // 18 pauses, each drawn between 0 and 40 ms: 360 ms on average. A sum below 100 ms comes once in 10 million.
            #expect(ContinuousClock.now - start > .milliseconds(100))
        }
    }

    @Test func twoChannelsShareTheBudgetOfTheirService() async throws {
        try await withTestBed { bed in
            let calls = Watched(0)
            let down: TestService.Handler = { _, _ in
                calls.update { $0 += 1 }
                throw TestService.databaseDown
            }
            try await bed.server("a", ["Try": down])
            let clients = [
                try bed.client(ChannelOptions.retrying(burst: 3)), try bed.client(ChannelOptions.retrying(burst: 3)),
            ]
            let start = ContinuousClock.now
            for _ in 0..<5 {
                for client in clients { #expect(await client.failure("Try")?.code == .unavailable) }
            }
            // Ten calls, two or three retries for both, as one fades, and one for each second that has passed.
            let seconds = Int((ContinuousClock.now - start).components.seconds)
            #expect((12...(14 + seconds)).contains(calls.value))
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
            let client = try bed.client(ChannelOptions.retrying(), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            #expect(await client.failure("Try")?.message == "a broke")
            #expect(balancer.picks.value == ["a"])
        }
    }

    @Test func anEmptyBudgetAllowsNoRetry() async throws {
        try await withTestBed { bed in
            try await bed.server("a", ["Try": TestService.unavailable])
            try await bed.server("b")
            let balancer = OrderedBalancer()
            let client = try bed.client(ChannelOptions.retrying(burst: 0), balancer: balancer)
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
                        throw TestService.databaseDown
                    }
                ],
                isRegistered: false
            )
            discoverer.say(try await server.endpoint)
            let client = try bed.client(ChannelOptions.retrying(), balancer: balancer, discoverer: discoverer)
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
                        throw TestService.databaseDown
                    }
                ]
            )
            // Only the channel has the deadline, as if a middleware had set it. It has passed when the failure comes.
            let client = try bed.client(
                ChannelOptions.retrying(attempts: 100), middleware: [Begin { $0.deadline = .now + .milliseconds(100) }])
            let failure = try #require(await client.failure("Try"))
            #expect(failure.code == .unavailable || failure.code == .deadlineExceeded)
            #expect(calls.value < 100)
        }
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
                            throw TestService.databaseDown
                        }
                    ]
                )
            }
            let balancer = OrderedBalancer()
            let client = try bed.client(ChannelOptions.retrying(attempts: 2), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            var callOptions = CallOptions.defaults
            callOptions.timeout = .seconds(50)
            #expect(await client.failure("Try", options: callOptions)?.code == .unavailable)
            #expect(timeouts.value.count == 2)
            #expect(timeouts.value[1] < timeouts.value[0])
            #expect(timeouts.value[0] <= .seconds(50))
        }
    }
}

extension Metadata {
    fileprivate var grpcTimeout: Duration? {
        guard var text = self[stringValues: "grpc-timeout"].first(where: { _ in true }) else { return nil }
        return text.withUTF8 { GRPCTimeout($0)?.duration }
    }
}
