import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// Calls that are made on further instances while the first takes long (gRFC A6).
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct HedgingTests {
    private static func options(
        maxAttempts: Int = 2, delay: Duration = .milliseconds(20), burst: Int = 1000
    ) -> ChannelOptions {
        var options = ChannelOptions()
        var method = RetryOptions.Method()
        var hedging = RetryOptions.Hedging()
        hedging.maxAttempts = maxAttempts
        hedging.delay = delay
        method.hedging = hedging
        options.retry.idempotent = ["/test.Service/"]
        options.retry.methods = ["/test.Service/": method]
        options.retry.burst = burst
        return options
    }

    /// A handler that waits, and tells when its caller leaves.
    private static func held(_ gate: Gate, _ cancelled: Watched<Int>, _ text: String = "a") -> TestService.Handler {
        { _, context in
            do {
                try await whileCallLasts(context) { try await gate.pass() }
            } catch {
                cancelled.update { $0 += 1 }
                throw error
            }
            return .text(text)
        }
    }

    /// Waits as long as a call waits before it is hedged: until another call, which begins now, has been. Two servers hold its
    /// method `Clock` at a gate.
    private static func waitForHedge(_ bed: TestBed, _ clock: Gate, delay: Duration) async throws {
        let client = try bed.client(options(delay: delay), balancer: OrderedBalancer())
        let call = Task { try await client.text("Clock") }
        await clock.waitForArrivals(2)
        clock.open()
        _ = try await call.value
    }

    @Test func aSlowCallIsMadeOnAnotherInstanceToo() async throws {
        let (gate, cancelled, previous) = (Gate(), Watched(0), Watched<String?>(nil))
        try await withTestBed { bed in
            try await bed.server("a", ["Work": Self.held(gate, cancelled)])
            let quick: TestService.Handler = { request, _ in
                previous.set(request.metadata.text("grpc-previous-rpc-attempts"))
                // The loser's handler runs, and learns of its end.
                await gate.waitForArrivals()
                return .text("b")
            }
            try await bed.server("b", ["Work": quick])
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            #expect(try await client.text("Work") == "b")
            #expect(balancer.picks.value == ["a", "b"])
            #expect(previous.value == "1")
            // The loser is cancelled.
            _ = await cancelled.first { $0 == 1 }
            _ = await balancer.inFlight.first { $0 == 0 }
            #expect(balancer.reports.value.map(\.outcome).contains { $0 == .ignored })
        }
    }

    @Test func aStreamOfResponsesIsHedgedBeforeItsFirst() async throws {
        let (gate, cancelled) = (Gate(), Watched(0))
        try await withTestBed { bed in
            try await bed.server("a", ["Work": Self.held(gate, cancelled)])
            let stream: TestService.Handler = { _, _ in
                TestService.Response { writer in
                    for number in 0..<3 as Range<UInt8> { try await writer.write([number]) }
                    return [:]
                }
            }
            try await bed.server("b", ["Work": stream])
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            #expect(try await client.responses("Work") == [[0], [1], [2]])
            _ = await cancelled.first { $0 == 1 }
        }
    }

    @Test func theFirstAttemptMayStillAnswer() async throws {
        let (first, second, cancelled) = (Gate(), Gate(), Watched(0))
        try await withTestBed { bed in
            try await bed.server("a", ["Work": Self.held(first, Watched(0))])
            try await bed.server("b", ["Work": Self.held(second, cancelled, "b")])
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            let call = Task { try await client.text("Work") }
            await second.waitForArrivals()
            first.open()
            #expect(try await call.value == "a")
            _ = await cancelled.first { $0 == 1 }
        }
    }

    @Test func anAttemptThatFailsIsFollowedByTheNextAtOnce() async throws {
        let (gate, cancelled) = (Gate(), Watched(0))
        try await withTestBed { bed in
            try await bed.server("a", ["Work": Self.held(gate, cancelled)])
            try await bed.server("b", ["Work": { _, _ in throw RPCError(code: .unavailable, message: "b is down") }])
            try await bed.server("c", ["Work": { _, _ in .text("c") }])
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(maxAttempts: 3), balancer: balancer)
            await balancer.waitForNodes("a", "b", "c")
            #expect(try await client.text("Work") == "c")
            #expect(balancer.picks.value == ["a", "b", "c"])
            _ = await cancelled.first { $0 == 1 }
            _ = await balancer.inFlight.first { $0 == 0 }
        }
    }

    @Test func aFatalCodeEndsTheCallAndTheOtherAttempts() async throws {
        let (gate, cancelled) = (Gate(), Watched(0))
        try await withTestBed { bed in
            try await bed.server("a", ["Work": Self.held(gate, cancelled)])
            let missing: TestService.Handler = { _, _ in
                await gate.waitForArrivals()
                throw RPCError(code: .notFound, message: "no user")
            }
            try await bed.server("b", ["Work": missing])
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            #expect(await client.failure("Work")?.code == .notFound)
            _ = await cancelled.first { $0 == 1 }
            _ = await balancer.inFlight.first { $0 == 0 }
            #expect(balancer.picks.value == ["a", "b"])
        }
    }

    @Test func aServerThatWantsNoOtherAttemptGetsNone() async throws {
        let (gate, refused, clock) = (Gate(), Gate(), Gate())
        // Long enough for the refusal to come before it is over.
        let delay = Duration.seconds(3)
        try await withTestBed { bed in
            let held = Self.held(clock, Watched(0))
            try await bed.server("a", ["Work": Self.held(gate, Watched(0)), "Clock": held])
            let busy: TestService.Handler = { _, _ in
                refused.open()
                throw RPCError(code: .unavailable, message: "busy", metadata: [RetryPushback.key: "-1"])
            }
            try await bed.server("b", ["Work": busy, "Clock": held])
            try await bed.server("c", ["Work": { _, _ in .text("c") }, "Clock": held])
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(maxAttempts: 5, delay: delay), balancer: balancer)
            await balancer.waitForNodes("a", "b", "c")
            let call = Task { try await client.text("Work") }
            try await refused.pass()
            _ = await balancer.reports.first { !$0.isEmpty }
            // A third attempt would be made meanwhile.
            try await Self.waitForHedge(bed, clock, delay: delay)
            gate.open()
            #expect(try await call.value == "a")
            #expect(balancer.picks.value == ["a", "b"])
        }
    }

    @Test func anEmptyBudgetAllowsNoHedge() async throws {
        let (gate, clock, delay) = (Gate(), Gate(), Duration.milliseconds(1))
        try await withTestBed { bed in
            for id in ["a", "b"] {
                try await bed.server(id, ["Work": Self.held(gate, Watched(0), id)])
            }
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(delay: delay, burst: 0), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            let call = Task { try await client.text("Work") }
            await gate.waitForArrivals()
            // Elsewhere, as all channels to a service share its budget.
            try await withTestBed { other in
                for id in ["a", "b"] { try await other.server(id, ["Clock": Self.held(clock, Watched(0))]) }
                try await Self.waitForHedge(other, clock, delay: delay)
            }
            gate.open()
            #expect(try await call.value == "a")
            #expect(balancer.picks.value == ["a"])
        }
    }

    @Test func aCallWhoseRequestIsNotCompleteIsNotHedged() async throws {
        let (clock, delay) = (Gate(), Duration.milliseconds(1))
        try await withTestBed { bed in
            for id in ["a", "b"] { try await bed.server(id, ["Clock": Self.held(clock, Watched(0))]) }
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(delay: delay), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            // The response begins with its first message, and the request ends only then.
            let answered = Gate()
            let count = try await client.stream { writer in
                try await Self.waitForHedge(bed, clock, delay: delay)
                try await writer.write([1])
                try await answered.pass()
            } _: { response in
                var count = 0
                for try await _ in response.messages {
                    count += 1
                    answered.open()
                }
                return count
            }
            #expect(count == 1)
            #expect(balancer.picks.value == ["a"])
        }
    }

    @Test func theOnlyInstanceGetsTheHedge() async throws {
        let (gate, calls) = (Gate(), Watched(0))
        try await withTestBed { bed in
            let handler: TestService.Handler = { _, _ in
                let number = calls.update { count in
                    count += 1
                    return count
                }
                if number == 1 { try await gate.pass() }
                return .text("\(number)")
            }
            try await bed.server("a", ["Work": handler])
            #expect(try await bed.client(Self.options()).text("Work") == "2")
        }
    }

    @Test func aCallerThatLeavesCancelsAllAttempts() async throws {
        let (gate, cancelled) = (Gate(), Watched(0))
        try await withTestBed { bed in
            for id in ["a", "b"] { try await bed.server(id, ["Work": Self.held(gate, cancelled, id)]) }
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            let call = Task { try await client.text("Work") }
            await gate.waitForArrivals(2)
            call.cancel()
            _ = await call.result
            _ = await cancelled.first { $0 == 2 }
            _ = await balancer.inFlight.first { $0 == 0 }
        }
    }

    @Test func hedgingOfAMethodThatIsNotIdempotentIsRefused() {
        let yaml = "client: {retry: {idempotent: [/a.B/C], methods: {/a.B/D: {hedging: {}}}}}"
        let error = #expect(throws: ConfigurationError.self) {
            _ = try ChannelOptions(Configuration(yaml: yaml, origin: "app.yaml"))
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.hasPrefix("app.yaml:1:"), "\(text)")
        #expect(text.contains("client.retry.methods: /a.B/D has hedging"), "\(text)")
    }
}
