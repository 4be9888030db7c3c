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
