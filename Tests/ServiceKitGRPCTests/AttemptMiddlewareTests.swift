import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// Middleware around each attempt of a call.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct AttemptMiddlewareTests {
    /// Records the attempts and their reports, and may change an attempt.
    private struct Attempts: Middleware {
        let begun = Watched<[String]>([])
        let reports = Watched<[CallReport]>([])
        var change: Call.AttemptBegin = { _ in }

        func beginCalling(_ call: inout Call) {
            call.onAttempt { [begun, reports, change] attempt in
                let endpoint = attempt.node.endpoint
                #expect(endpoint.scheme == "grpc" && endpoint.port > 0)
                begun.update { [attempt] in
                    $0.append("\(attempt.operation) \(attempt.number) on \(attempt.node.instance.id)")
                }
                attempt.onEnd { report in reports.update { $0.append(report) } }
                try change(&attempt)
            }
        }
    }

    private static let unavailable: TestService.Handler = { _, _ in
        throw RPCError(code: .unavailable, message: "down", metadata: ["load": "9"])
    }

    private func withClient(
        _ middleware: [any Middleware],
        a: [String: TestService.Handler],
        b: [String: TestService.Handler] = [:],
        _ body: (TestClient, OrderedBalancer) async throws -> Void
    ) async throws {
        try await withTestBed { bed in
            try await bed.server("a", a)
            try await bed.server("b", b)
            var options = ChannelOptions()
            options.retry.idempotent = ["/test.Service/"]
            let balancer = OrderedBalancer()
            let client = try bed.client(options, balancer: balancer, middleware: middleware)
            await balancer.waitForNodes("a", "b")
            try await body(client, balancer)
            _ = await balancer.inFlight.first { $0 == 0 }
        }
    }

    @Test func eachAttemptOfARetriedCallBeginsAndEnds() async throws {
        let (attempts, recorder) = (Attempts(), Recorder())
        let middleware: [any Middleware] = [attempts, recorder]
        try await withClient(middleware, a: ["Try": Self.unavailable]) { client, _ in
            #expect(await client.failure("Try")?.code == .unimplemented)
        }
        #expect(attempts.begun.value == ["/test.Service/Try 1 on a", "/test.Service/Try 2 on b"])
        let reports = attempts.reports.value
        #expect(reports.map(\.node.instance.id) == ["a", "b"] && reports.map(\.attempt) == [1, 2])
        #expect(reports.map(\.code) == [.unavailable, .unimplemented])
        #expect(reports.first?.trailers["load"] == "9")
        let result = try await recorder.result()
        #expect(result.attempts == 2 && result.node?.instance.id == "b")
    }

    @Test func headersOfAnAttemptAreItsOwn() async throws {
        var attempts = Attempts()
        attempts.change = { $0.metadata.append("\($0.number)", for: "try") }
        let seen = Watched<[[String]]>([])
        let note = { @Sendable (metadata: Metadata) in
            seen.update { $0.append(Array(metadata[stringValues: "try"]) + [metadata.text("k") ?? ""]) }
        }
        let a: TestService.Handler = { request, context in
            note(request.metadata)
            return try await Self.unavailable(request, context)
        }
        let b: TestService.Handler = { request, _ in
            note(request.metadata)
            return .text("b")
        }
        try await withClient([attempts], a: ["Try": a], b: ["Try": b]) { client, _ in
            let text = try await client.text("Try", metadata: ["k": "v"])
            #expect(text == "b")
        }
        #expect(seen.value == [["1", "v"], ["2", "v"]])
    }

    @Test func anAttemptThatMiddlewareRefusesFailsTheCall() async throws {
        let (recorder, outer) = (Recorder(), Attempts())
        let refuse = Begin { call in
            call.onAttempt { _ in throw ServiceError(.tooManyRequests, reason: "NOT_THERE", message: "not there") }
        }
        try await withClient([recorder, outer, refuse], a: [:]) { client, balancer in
            #expect(await client.failure()?.serviceError.reason == "NOT_THERE")
            #expect(balancer.picks.value == ["a"])
            #expect(balancer.reports.value.map(\.outcome) == [.ignored])
        }
        #expect(outer.reports.value.map(\.outcome) == [.ignored])
        #expect(recorder.results.value.count == 1)
    }

    @Test func anAttemptOfACallThatIsLeftEnds() async throws {
        let attempts = Attempts()
        try await withClient([attempts], a: [:]) { client, _ in
            let first = try await client.stream { writer in
                while true { try await writer.write([1]) }
            } _: { response in
                try await response.messages.first { _ in true }
            }
            #expect(first == [1])
        }
        #expect(attempts.reports.value.map(\.outcome) == [.ignored])
    }
}
