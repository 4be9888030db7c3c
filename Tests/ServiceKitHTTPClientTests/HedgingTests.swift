import HTTPTypes
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitHTTP
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitHTTPClient

/// Attempts side by side, of which the first answer counts.
@Suite(.timeLimit(.minutes(3)))
struct HedgingTests {
    private let fleet = TestFleet()

    private func options(_ operations: String..., delay: Duration = .milliseconds(5)) -> ChannelOptions {
        .with { options in
            options.retry.idempotent = operations.filter { !$0.hasPrefix("/http/") }
            for operation in operations {
                var method = RetryOptions.Method()
                method.hedging = RetryOptions.Hedging()
                method.hedging?.delay = delay
                options.retry.methods[operation] = method
            }
        }
    }

    /// Instance a gives no answer; its calls are counted while they run.
    private func silent(_ running: Shared<Int>) -> TestFleet.Routes {
        { app, id in
            for method in [HTTPRequest.Method.get, .post] {
                app.http.on(method, "/who") { _ in
                    if id != "a" { return RouteResponse(text: id) }
                    running.update { $0 += 1 }
                    defer { running.update { $0 -= 1 } }
                    try await Task.sleep(for: .seconds(600))
                    return RouteResponse(text: id)
                }
            }
        }
    }

    @Test func callThatHasNoAnswerIsMadeElsewhereToo() async throws {
        let running = Shared(0)
        let notes = NotingMiddleware()
        let calls = Shared(0)
        try await fleet.serving("a", "b", routes: silent(running)) {
            try await fleet.calling(options("/http/GET", delay: .milliseconds(50)), middleware: [notes]) { client in
                try await client.ready(2)
                // The other instance may have the first attempts. One hedge is all that the budget surely has.
                while !notes.ended.value.contains(where: { $0.attempts == 2 }), calls.value < 100 {
                    try await client.expect("b")
                    calls.update { $0 += 1 }
                }
                // The attempts that were too slow are cancelled, and count as calls of their instance no longer.
                try await eventually { running.value == 0 }
                try await eventually { client.snapshot().nodes.allSatisfy { $0.inFlight == 0 } }
            }
        }
        #expect(notes.ended.value.count == calls.value)
        #expect(notes.ended.value.contains { $0.attempts == 2 })
        #expect(notes.ended.value.allSatisfy { $0.node?.instance.id == "b" && $0.error == nil })
    }

    @Test func operationThatIsListedAsIdempotentIsHedged() async throws {
        try await fleet.serving("a", "b", routes: silent(Shared(0))) {
            try await fleet.calling(options("/test/Who")) { client in
                try await client.ready(2)
                for _ in 0..<4 {
                    let response = try await client.send(.post, "/who", operation: "/test/Who").requireSuccess()
                    #expect(try await response.body.collect(upTo: 10) == Array("b".utf8))
                }
            }
        }
    }

    /// Neither a body that cannot be sent again, nor another operation.
    @Test func callThatCannotBeMadeTwiceWaits() async throws {
        let running = Shared(0)
        try await fleet.serving("a", "b", routes: silent(running)) {
            try await fleet.calling(options("/test/Who")) { client in
                try await client.ready(2)
                let pieces = AsyncStream<[UInt8]> { $0.finish() }
                for (operation, body) in [("/test/Who", RequestContent.stream(pieces)), ("/test/Other", .none)] {
                    // The other instance may have the first calls.
                    var isLate = false
                    for _ in 0..<100 where !isLate {
                        let failure = await client.failure {
                            _ = try await $0.send(
                                .post, "/who", body: body, operation: operation, timeout: .milliseconds(500))
                        }
                        isLate = failure?.code == .deadlineExceeded
                    }
                    #expect(isLate, "\(operation)")
                }
            }
        }
    }

    /// As gRFC A6 has it: an attempt that fails so leaves the others alone.
    @Test func failureThatMayBeRepeatedLeavesTheOtherAttempt() async throws {
        let (failing, answering) = (Gate(), Gate())
        let routes: TestFleet.Routes = { app, id in
            app.http.get("/who") { _ in
                try await (id == "a" ? failing : answering).pass()
                return id == "a"
                    ? RouteResponse(.serviceUnavailable, body: .bytes(Array("not now".utf8))) : RouteResponse(text: id)
            }
        }
        try await fleet.serving("a", "b", routes: routes) {
            try await fleet.calling(options("/http/GET")) { client in
                try await client.ready(2)
                async let answer = client.text()
                await failing.waitForArrivals()
                await answering.waitForArrivals()
                failing.open()
                try await eventually { client.snapshot().nodes.first { $0.id == "a" }?.inFlight == 0 }
                answering.open()
                #expect(try await answer == "b")
            }
        }
    }

    @Test func callThatIsCancelledCancelsItsAttempts() async throws {
        let running = Shared(0)
        let routes: TestFleet.Routes = { app, _ in
            app.http.get("/who") { _ in
                running.update { $0 += 1 }
                defer { running.update { $0 -= 1 } }
                try await Task.sleep(for: .seconds(600))
                return RouteResponse(text: "")
            }
        }
        try await fleet.serving("a", "b", routes: routes) {
            try await fleet.calling(options("/http/GET")) { client in
                try await client.ready(2)
                let call = Task { try await client.send(.get, "/who") }
                try await eventually { running.value == 2 }
                call.cancel()
                await #expect(throws: (any Error).self) { try await call.value }
                try await eventually { running.value == 0 }
                try await eventually { client.snapshot().nodes.allSatisfy { $0.inFlight == 0 } }
            }
        }
    }

    @Test func onlySafeMethodsHaveItWithoutBeingListed() {
        #expect(throws: Never.self) { try options("/http/GET").retry.validate() }
        #expect(throws: Never.self) { try options("/http/HEAD").retry.validate() }
        #expect(throws: ConfigurationError.self) { try options("/http/POST").retry.validate() }
        #expect(throws: ConfigurationError.self) { try options("/http/PUT").retry.validate() }
    }
}
