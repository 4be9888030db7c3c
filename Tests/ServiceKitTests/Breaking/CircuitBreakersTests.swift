import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// The breakers of a server's methods.
@Suite struct CircuitBreakersTests {
    private struct Down: Error {}

    private static func options(_ isEnabled: Bool = true) -> CircuitBreaker.Options {
        var options = CircuitBreaker.Options()
        options.enabled = isEnabled
        options.minRequests = 10
        return options
    }

    private static func breakers(
        _ options: CircuitBreaker.Options = options(), _ log: LogRecorder? = nil, served: Set<String>? = nil
    ) -> CircuitBreakers {
        CircuitBreakers(
            Replaceable(options),
            logger: log?.logger(),
            generator: SharedGenerator(seed: 1),
            isServed: { served?.contains($0) ?? true },
            now: { 3_000_000_000_000 }
        )
    }

    /// Serves calls that fail, and gives the errors of those refused.
    private func serve(
        _ count: Int, _ breakers: CircuitBreakers, _ error: (any Error)?, _ operation: String = "/a.B/C"
    ) -> [any Error] {
        (0..<count).compactMap { _ in
            var call = Call(side: .server, operation: operation)
            do {
                try breakers.beginServing(&call)
            } catch {
                return error
            }
            var result = CallResult(error: error)
            call.end(with: &result)
            return nil
        }
    }

    @Test func aMethodThatFailsIsRefusedAndAnotherIsNot() throws {
        let log = LogRecorder()
        let breakers = Self.breakers(Self.options(), log)
        let refused = serve(200, breakers, Down())
        #expect(refused.count > 150)
        let error = try #require(ServiceError(refused[0]))
        #expect(error.code == .unavailable && error.reason == "CIRCUITBREAKER")
        // Another server may well serve the call.
        #expect((refused[0] as? PreparedError)?.trailers["servicekit-refused"] == "1")
        #expect(serve(200, breakers, nil, "/a.B/D").isEmpty)
        #expect(log.entries.count { $0.message.contains("server.breaker") } == 1)
    }

    @Test(arguments: [ServiceError.Code.notFound, .badRequest, .tooManyRequests, .cancelled])
    func errorsOfCallersBreakNothing(_ code: ServiceError.Code) {
        #expect(serve(200, Self.breakers(), ServiceError(code, reason: "A", message: "a")).isEmpty)
    }

    @Test func aRefusedCallDoesNotCount() {
        let breakers = Self.breakers()
        _ = serve(1000, breakers, Down())
        // Some tens of requests got through. As many successes again make it half and half: nothing is refused then.
        _ = serve(1500, breakers, nil)
        #expect(serve(500, breakers, nil).isEmpty)
    }

    @Test func breakersThatAreOffCountNothing() {
        let breakers = Self.breakers(Self.options(false))
        #expect(serve(200, breakers, Down()).isEmpty)
        breakers.setOptions(Self.options())
        #expect(serve(9, breakers, Down()).isEmpty)
        #expect(!serve(200, breakers, Down()).isEmpty)
        breakers.setOptions(Self.options(false))
        #expect(serve(200, breakers, Down()).isEmpty)
    }

    @Test func methodsThatAreNotServedHaveNoBreaker() {
        let breakers = Self.breakers(served: ["/a.B/C"])
        #expect(serve(200, breakers, Down(), "/made.Up/Name").isEmpty)
        #expect(!serve(200, breakers, Down()).isEmpty)
    }

    // MARK: - Deadlines

    /// A server whose handlers take 100 ms.
    private struct Server {
        let clock = Watched(ContinuousClock.now)
        let chain: MiddlewareChain

        init(limit: Duration? = nil) {
            var timeouts = Deadlines.Options()
            timeouts.default = limit
            chain = MiddlewareChain(
                CircuitBreakers(
                    Replaceable(options()), generator: SharedGenerator(seed: 1), now: { 3_000_000_000_000 },
                    instant: { [clock] in clock.value }),
                Deadlines(Replaceable(timeouts), now: { [clock] in clock.value }))
        }

        /// The reason for which a call fails; `nil` if it does not.
        func call(deadline: Duration?, handlerFailsAfter time: Duration? = nil) async -> String? {
            let deadline = deadline.map { clock.value + $0 }
            let call = Call(side: .server, operation: "/a.B/C", deadline: deadline)
            let result = await chain.run(call) { call in
                let end = clock.value + (time ?? .milliseconds(100))
                clock.set(min(end, call.deadline ?? end))
                if time == nil, clock.value == end { return CallResult() }
                throw ServiceError(.deadlineExceeded, reason: "DEADLINE_EXCEEDED", message: "late")
            }
            return result.error.map { ServiceError($0)?.reason ?? "" }
        }
    }

    @Test(arguments: [nil, .milliseconds(500)] as [Duration?])
    func callerWithAbsurdlyShortDeadlinesHarmsNoOther(_ limit: Duration?) async {
        let server = Server(limit: limit)
        for _ in 0..<300 {
            for _ in 0..<5 { #expect(await server.call(deadline: .milliseconds(5)) == "DEADLINE_EXCEEDED") }
            #expect(await server.call(deadline: .seconds(1)) == nil)
        }
    }

    @Test(arguments: [nil, .seconds(1)] as [Duration?])
    func callThatTheLimitOfTheServerEndsIsAFailure(_ deadline: Duration?) async {
        let server = Server(limit: .milliseconds(50))
        var reasons: [String?] = []
        for _ in 0..<200 { reasons.append(await server.call(deadline: deadline)) }
        #expect(reasons.count { $0 == "CIRCUITBREAKER" } > 150)
    }

    /// A service that the handler calls is slow.
    @Test func lateAnswerBeforeTheDeadlineOfTheCallerIsAFailure() async {
        let server = Server()
        var reasons: [String?] = []
        for _ in 0..<200 {
            reasons.append(await server.call(deadline: .seconds(1), handlerFailsAfter: .milliseconds(10)))
        }
        #expect(reasons.count { $0 == "CIRCUITBREAKER" } > 150)
    }

    @Test func theMethodsThatAreHeldBackAreSeen() {
        let breakers = Self.breakers()
        #expect(breakers.snapshot.isEmpty && breakers.refusedCalls == 0)
        let refused = serve(200, breakers, Down()).count
        _ = serve(200, breakers, nil, "/a.B/Good")
        let snapshot = breakers.snapshot
        #expect(snapshot.map(\.operation) == ["/a.B/C"])
        #expect(snapshot.allSatisfy { $0.refusalProbability > 0.5 && $0.refusalProbability < 1 })
        #expect(refused > 100 && breakers.refusedCalls == refused)
        breakers.setOptions(Self.options(false))
        #expect(breakers.snapshot.isEmpty)
    }
}
