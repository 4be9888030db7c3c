import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// Calls that an overloaded server refuses, and another one serves.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct RefusedCallTests {
    private static func options(attempts: Int = 3, burst: Int = 1000) -> ChannelOptions {
        var options = ChannelOptions()
        options.retry.attempts = attempts
        options.retry.burst = burst
        return options
    }

    private static var full: ConcurrencyLimit {
        var options = ConcurrencyLimit.Options()
        options.concurrency = .fixed
        options.fixed.max = 1
        return ConcurrencyLimit(options)
    }

    /// Servers of one call at a time, which the first ones have: they refuse all others.
    private func withServers(
        full: [String], free: [String], _ options: ChannelOptions = options(),
        _ body: (TestClient, OrderedBalancer) async throws -> Void
    ) async throws {
        let gate = Gate()
        try await withTestBed { bed in
            var held: [Task<String, any Error>] = []
            for id in full {
                let server = try await bed.server(
                    id, ["Hold": TestService.text("held", behind: gate)], middleware: [Self.full])
                let discoverer = ScriptedDiscoverer()
                discoverer.say(try await server.endpoint)
                let holder = try bed.client(discoverer: discoverer)
                held.append(Task { try await holder.text("Hold") })
            }
            await gate.waitForArrivals(full.count)
            for id in free { try await bed.server(id) }
            let balancer = OrderedBalancer()
            let client = try bed.client(options, balancer: balancer)
            _ = await balancer.current.first { $0.map(\.instance.id) == full + free }
            try await body(client, balancer)
            gate.open()
            for task in held { #expect(try await task.value == "held") }
        }
    }

    /// No method is idempotent here: no handler has seen the call.
    @Test func refusedCallIsServedByAnotherInstanceAtOnce() async throws {
        try await withServers(full: ["a", "b"], free: ["c"]) { client, balancer in
            let name = try await client.text()
            #expect(name == "c")
            #expect(balancer.picks.value == ["a", "b", "c"])
        }
    }

    /// A server's circuit breaker answers with 503.
    @Test func callThatABreakerHasRefusedIsServedByAnotherInstance() async throws {
        try await withTestBed { bed in
            let refuses: TestService.Handler = { _, _ in
                throw RPCError(code: .unavailable, message: "open", metadata: ["servicekit-refused": "1"])
            }
            try await bed.server("a", ["Try": refuses])
            try await bed.server("b", ["Try": { _, _ in .text("b") }])
            let balancer = OrderedBalancer()
            let client = try bed.client(balancer: balancer)
            await balancer.waitForNodes("a", "b")
            #expect(try await client.text("Try") == "b")
            #expect(balancer.picks.value == ["a", "b"])
        }
    }

    @Test func refusedCallIsNotRepeatedOnTheOnlyInstance() async throws {
        try await withServers(full: ["a"], free: []) { client, balancer in
            #expect(await client.failure()?.code == .resourceExhausted)
            #expect(balancer.picks.value == ["a"])
        }
    }

    @Test func whenAllRefuseEachIsAskedOnce() async throws {
        try await withServers(full: ["a", "b"], free: []) { client, balancer in
            let failure = try #require(await client.failure())
            #expect(failure.serviceError.reason == "OVERLOADED")
            #expect(balancer.picks.value == ["a", "b"])
            // The caller may be a handler, which has not refused its own call.
            #expect(failure.metadata.text("servicekit-refused") == nil)
            #expect(failure.metadata.text("grpc-retry-pushback-ms") == "100")
        }
    }

    @Test(arguments: [(1, 1000), (3, 0)]) func attemptsAndBudgetBoundIt(_ attempts: Int, _ burst: Int) async throws {
        let options = Self.options(attempts: attempts, burst: burst)
        try await withServers(full: ["a"], free: ["b"], options) { client, balancer in
            #expect(await client.failure()?.code == .resourceExhausted)
            #expect(balancer.picks.value == ["a"])
        }
    }

    /// A rate limit is about the caller: another server would refuse it too.
    @Test func callOfACallerWithTooManyCallsIsNotRepeated() async throws {
        var limit = RateLimit.Options()
        (limit.perSecond, limit.burst) = (0.001, 1)
        let options = limit
        try await withTestBed { bed in
            try await bed.server("a", middleware: [RateLimit(options)])
            try await bed.server("b")
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            #expect(try await client.text() == "a")
            #expect(await client.failure()?.serviceError.reason == "RATE_LIMITED")
            #expect(balancer.picks.value == ["a", "a"])
        }
    }
}
