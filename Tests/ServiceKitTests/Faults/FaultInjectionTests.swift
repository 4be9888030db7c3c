import ServiceKitConfig
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(1)))
struct FaultInjectionTests {
    private static func options(_ yaml: String) throws -> FaultInjection.Options {
        try Configuration(yaml: "server: {faults: \(yaml)}").decode(FaultInjection.Options.self, at: "server.faults")
    }

    private static func injection(_ yaml: String) throws -> FaultInjection {
        FaultInjection(try options(yaml), seed: 1)
    }

    /// How many of 10,000 calls are aborted, and how many delayed.
    private static func count(_ yaml: String, _ call: Call = .served()) throws -> (aborted: Int, delayed: Int) {
        let injection = try injection(yaml)
        var (aborted, delayed) = (0, 0)
        for _ in 1...10_000 {
            var call = call
            do { try injection.begin(&call) } catch { aborted += 1 }
            if call.delay != nil { delayed += 1 }
        }
        return (aborted, delayed)
    }

    @Test func withoutFaultsNothingIsDone() throws {
        #expect(try Self.count("{}") == (0, 0))
        #expect(try Self.count("{delay: {percentage: 100}, abort: {message: m}, header: h}") == (0, 0))
    }

    @Test func percentageIsTheShareOfTheCalls() throws {
        #expect(try Self.count("{abort: {status: ABORTED}}").aborted == 10_000)
        #expect(try Self.count("{abort: {status: ABORTED, percentage: 0}}").aborted == 0)
        let third = try Self.count("{abort: {status: ABORTED, percentage: 30}}")
        #expect((2800...3200).contains(third.aborted))
        let few = try Self.count("{delay: {duration: 1s, percentage: 0.5}}")
        #expect((20...80).contains(few.delayed))
        // Both are drawn independently: a quarter of the calls gets each alone, and a quarter both.
        let both = try Self.count(
            "{delay: {duration: 1s, percentage: 50}, abort: {status: ABORTED, percentage: 50}}")
        #expect((2300...2700).contains(both.aborted))
        #expect((4700...5300).contains(both.delayed))
    }

    @Test func sameSeedDrawsTheSameFaults() throws {
        let options = try Self.options("{abort: {status: ABORTED, percentage: 50}}")
        func draws(_ seed: UInt64) -> [Bool] {
            let injection = FaultInjection(options, seed: seed)
            return (1...100).map { _ in
                var call = Call.served()
                return (try? injection.begin(&call)) == nil
            }
        }
        #expect(draws(7) == draws(7))
        #expect(draws(7) != draws(8))
    }

    @Test func methodHasItsOwnFaultsElseThoseOfItsService() async throws {
        let injection = try Self.injection(
            """
            {abort: {status: ABORTED}, methods: {/a.B/C: {}, /a.B/: {abort: {status: NOT_FOUND, message: gone}}}}
            """
        )
        #expect(await injection.run(.served("/a.B/C")).error == nil)
        let error = try #require(await injection.run(.made("/a.B/D")).error as? ServiceError)
        #expect(error == ServiceError(.notFound, reason: "FAULT_INJECTED", message: "gone"))
        #expect((await injection.run(.made("/a.Bx/C")).error as? ServiceError)?.code == .conflict)
    }

    @Test func headerOptsIn() async throws {
        let injection = try Self.injection("{header: X-Fault, abort: {status: UNAVAILABLE}}")
        #expect(await injection.run(.served()).error == nil)
        #expect(await injection.run(.served(metadata: ["x-fault": ""])).error != nil)
    }

    @Test func callIsDelayedAndThenAborted() async throws {
        let injection = try Self.injection("{delay: {duration: 20ms}, abort: {status: UNAVAILABLE}}")
        let start = ContinuousClock.now
        let result = await injection.run(.served()) { _ in
            Issue.record("the call is served")
            return CallResult()
        }
        #expect((result.error as? ServiceError)?.reason == "FAULT_INJECTED")
        #expect(ContinuousClock.now - start >= .milliseconds(20))
    }

    @Test func delayEndsWithTheDeadline() async throws {
        let injection = try Self.injection("{delay: {duration: 1h}}")
        let result = await injection.run(.served(deadline: .now + .milliseconds(5)))
        #expect((result.error as? ServiceError)?.code == .deadlineExceeded)
    }

    @Test func delayEndsWhenTheCallerLeaves() async throws {
        let injection = try Self.injection("{delay: {duration: 1h}}")
        let task = Task { await injection.run(.served()) }
        task.cancel()
        #expect(await task.value.error is CancellationError)
    }

    @Test func injectedFaultsAreLoggedOnceInTenSeconds() throws {
        let log = LogRecorder()
        let injection = FaultInjection(try Self.options("{abort: {status: ABORTED}}"), logger: log.logger())
        for _ in 1...100 {
            var call = Call.made()
            #expect(throws: ServiceError.self) { try injection.begin(&call) }
        }
        #expect(log.entries.map(\.message) == ["injecting faults into calls, as client.faults says"])
    }

    @Test func chainWithFaultsNeverWaits() throws {
        #expect(MiddlewareChain(try Self.injection("{delay: {duration: 1h}}")).isSynchronous)
    }

    @Test(arguments: [
        ("{delay: {percentage: 101}}", "server.faults.delay.percentage: expected 0.0 to 100.0"),
        ("{methods: {/a.B/C: {delay: {duration: 2h}}}}", "/a.B/C"),
        ("{abort: {status: BROKEN}}", "server.faults.abort.status"),
        ("{abort: {code: 503}}", "server.faults.abort.code"),
    ])
    func mistakesAreNamed(_ yaml: String, _ text: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            let configuration = try Configuration(yaml: "server: {faults: \(yaml)}")
            try ConfigurationSections(plugins: []).check(configuration)
        }
        #expect("\(try #require(error))".contains(text), "\(error as Any)")
    }
}
