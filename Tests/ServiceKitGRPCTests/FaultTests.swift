import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitGRPC

/// Injected faults on servers and clients, over real connections.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct FaultTests {
    private static func faults(
        delay: Duration? = nil, abort status: FaultInjection.Status? = nil, header: String = ""
    ) -> FaultInjection {
        var options = FaultInjection.Options()
        options.delay.duration = delay
        options.abort.status = status
        options.abort.message = "on purpose"
        options.header = header
        return FaultInjection(options)
    }

    /// Calls a server where one of the sides has faults.
    private func withFaults(
        of side: Call.Side,
        _ faults: FaultInjection,
        _ handlers: [String: TestService.Handler] = [:],
        _ body: (TestClient) async throws -> Void
    ) async throws {
        try await withTestBed { bed in
            try await bed.server("a", handlers, middleware: [Deadlines()] + (side == .server ? [faults] : []))
            try await body(bed.client(middleware: side == .client ? [faults] : []))
        }
    }

    @Test(arguments: [Call.Side.server, .client])
    func abortedCallHasStatusMessageAndReason(_ side: Call.Side) async throws {
        try await withFaults(of: side, Self.faults(abort: .resourceExhausted)) { client in
            let failure = try #require(await client.failure())
            #expect(failure.code == .resourceExhausted && failure.message == "on purpose")
            #expect(failure.serviceError.reason == "FAULT_INJECTED")
        }
    }

    @Test(arguments: [Call.Side.server, .client])
    func delayedCallIsServed(_ side: Call.Side) async throws {
        let delay = Duration.milliseconds(50)
        try await withFaults(of: side, Self.faults(delay: delay, header: "x-slow")) { client in
            // With a connection, the delay alone takes time.
            _ = try await client.text()
            let start = ContinuousClock.now
            let text = try await client.text(metadata: ["x-slow": "1"])
            #expect(text == "a")
            #expect(ContinuousClock.now - start >= delay)
        }
    }

    @Test(arguments: [Call.Side.server, .client])
    func delayedStreamIsServed(_ side: Call.Side) async throws {
        try await withFaults(of: side, Self.faults(delay: .milliseconds(10))) { client in
            let echo = try await client.echo([[1], [2]])
            #expect(echo == [[1], [2]])
        }
    }

    @Test(arguments: [Call.Side.server, .client])
    func delayEndsWithTheDeadline(_ side: Call.Side) async throws {
        try await withFaults(of: side, Self.faults(delay: .seconds(3600), header: "x-slow")) { client in
            _ = try await client.text()
            var options = CallOptions.defaults
            options.timeout = .milliseconds(50)
            await #expect { try await client.text(metadata: ["x-slow": "1"], options: options) } throws: {
                ($0 as? RPCError)?.code == .deadlineExceeded
            }
        }
    }

    @Test func delayedCallThatTheCallerLeavesEndsOnTheServer() async throws {
        try await withTestBed { bed in
            let ended = Watched(false)
            let observer = EndObserver { ended.set(true) }
            let faults = Self.faults(delay: .seconds(3600), header: "x-slow")
            let server = try await bed.server("a", middleware: [observer, faults])
            let client = try bed.client()
            #expect(try await client.text() == "a")
            ended.set(false)
            let call = Task { try await client.text(metadata: ["x-slow": "1"]) }
            try await eventually { server.callsInFlight == 1 }
            call.cancel()
            #expect(await ended.first { $0 } == true)
            _ = await call.result
            try await eventually { server.callsInFlight == 0 }
        }
    }

    /// Tells that a served call has ended.
    private struct EndObserver: Middleware {
        let told: @Sendable () -> Void

        func beginServing(_ call: inout Call) {
            call.onEnd { _, _ in told() }
        }
    }
}
