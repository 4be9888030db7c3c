import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// Middleware around the calls that a channel makes.
@Suite(.timeLimit(.minutes(1)))
struct ClientMiddlewareTests {
    private func withClient(
        _ middleware: [any Middleware],
        _ handlers: [String: TestService.Handler] = [:],
        options: ChannelOptions = ChannelOptions(),
        _ body: (TestClient, OrderedBalancer) async throws -> Void
    ) async throws {
        try await withTestBed { bed in
            try await bed.server("a", handlers)
            let balancer = OrderedBalancer()
            let client = try bed.client(options, balancer: balancer, middleware: middleware)
            await balancer.waitForNodes("a")
            try await body(client, balancer)
            _ = await balancer.inFlight.first { $0 == 0 }
        }
    }

    private let readK: [String: TestService.Handler] = [
        "Read": { request, _ in .text(request.metadata[stringValues: "k"].joined(separator: ",")) }
    ]

    @Test func itSeesTheCallAndWhoServedIt() async throws {
        let recorder = Recorder()
        try await withClient([recorder]) { client, _ in
            var options = CallOptions.defaults
            options.timeout = .seconds(40)
            _ = try await client.text(metadata: ["k": "v"], options: options)
            let call = try #require(recorder.calls.value.first)
            #expect(call.side == .client)
            #expect(call.path == "/test.Service/Name")
            #expect(call.peer == "discovery:///test")
            #expect(call.metadata["k"] == "v")
            #expect(try #require(call.deadline) - .now <= .seconds(40))
            let result = try await recorder.result()
            #expect(result.servedBy?.id == "a")
        }
    }

    @Test func itAddsHeaders() async throws {
        let middleware = Around { call, next in
            var call = call
            call.metadata.append("added", for: "k")
            return try await next(call)
        }
        try await withClient([middleware], readK) { client, _ in
            let text = try await client.text("Read", metadata: ["k": "own"])
            #expect(text == "own,added")
        }
    }

    @Test func itsDeadlineIsTheCalls() async throws {
        let middleware = Around { call, next in
            var call = call
            call.deadline = .now + .milliseconds(50)
            return try await next(call)
        }
        // The server may see the deadline first; what it says then is to be no answer.
        let handler: TestService.Handler = { request, context in
            try await context.cancellation.cancelled
            throw CancellationError()
        }
        try await withClient([middleware], ["Hang": handler]) { client, _ in
            #expect(await client.failure("Hang")?.code == .deadlineExceeded)
        }
    }

    @Test func whatItRejectsIsNotCalled() async throws {
        let middleware = Around { _, _ in
            throw ServiceError(.tooManyRequests, reason: "RATELIMIT", message: "too many")
        }
        try await withClient([middleware]) { client, balancer in
            let failure = try #require(await client.failure())
            #expect(failure.code == .resourceExhausted)
            #expect(failure.serviceError.reason == "RATELIMIT")
            #expect(balancer.picks.value.isEmpty)
        }
    }

    @Test func aResultWithoutACallIsAnError() async throws {
        try await withClient([Around { _, _ in CallResult() }]) { client, balancer in
            let failure = try #require(await client.failure())
            #expect(failure.code == .internalError)
            #expect(failure.message.contains("without passing the call on"))
            #expect(balancer.picks.value.isEmpty)
        }
    }

    @Test func itReplacesAnErrorAndSeesTheServers() async throws {
        let recorder = Recorder()
        let middleware = Around { call, next in
            do {
                return try await next(call)
            } catch {
                throw ServiceError(.conflict, reason: "REPLACED", message: "replaced")
            }
        }
        let error = ServiceError(.notFound, reason: "NONE", message: "none", metadata: ["id": "7"])
        try await withClient([middleware, recorder], ["Find": { _, _ in throw error }]) { client, _ in
            #expect(await client.failure("Find")?.serviceError.reason == "REPLACED")
            let seen = try #require(await recorder.error())
            #expect(ServiceError(seen) == error)
        }
    }

    @Test func itMakesAFailureOfASuccess() async throws {
        let middleware = Around { call, next in
            let result = try await next(call)
            throw ServiceError(.conflict, reason: "TOO_OLD", message: "served by \(result.servedBy?.id ?? "")")
        }
        try await withClient([middleware]) { client, _ in
            #expect(await client.failure()?.message == "served by a")
        }
    }

    @Test func itChangesTrailers() async throws {
        let middleware = Around { call, next in
            var result = try await next(call)
            result.trailers["tail"] = "changed"
            return result
        }
        try await withClient([middleware]) { client, _ in
            let response = try await client.call()
            #expect(response.trailingMetadata.text("tail") == "changed")
        }
    }

    @Test func itEndsACallThatTakesTooLong() async throws {
        let (entered, ended) = (Gate(), Watched(false))
        let middleware = Around { call, next in
            try await withThrowingTaskGroup(of: CallResult.self) { group in
                group.addTask { try await next(call) }
                try await entered.pass()
                group.cancelAll()
                throw ServiceError(.deadlineExceeded, reason: "TOO_SLOW", message: "too slow")
            }
        }
        let handler: TestService.Handler = { _, context in
            entered.open()
            try? await context.cancellation.cancelled
            ended.set(true)
            throw CancellationError()
        }
        try await withClient([middleware], ["Hang": handler]) { client, _ in
            #expect(await client.failure("Hang")?.serviceError.reason == "TOO_SLOW")
            _ = await ended.first(where: \.self)
        }
    }

    @Test func itEndsACallThatWaitsForAnInstance() async throws {
        let gate = Gate()
        let middleware = Around { call, next in
            try await withThrowingTaskGroup(of: CallResult.self) { group in
                group.addTask { try await next(call) }
                try await gate.pass()
                group.cancelAll()
                throw ServiceError(.deadlineExceeded, reason: "TOO_SLOW", message: "too slow")
            }
        }
        try await withTestBed { bed in
            let client = try bed.client(middleware: [middleware], discoverer: ScriptedDiscoverer())
            var options = CallOptions.defaults
            options.waitForReady = true
            let call = Task { await client.failure(options: options) }
            await gate.waitForArrivals()
            gate.open()
            #expect(await call.value?.serviceError.reason == "TOO_SLOW")
        }
    }

    @Test func itRunsOnceHoweverManyAttempts() async throws {
        let recorder = Recorder()
        var options = ChannelOptions()
        options.retry.idempotent = ["/test.Service/"]
        let attempts = Watched(0)
        let handler: TestService.Handler = { _, _ in
            attempts.update { $0 += 1 }
            if attempts.value < 3 { throw RPCError(code: .unavailable, message: "not yet") }
            return .text("at last")
        }
        try await withClient([recorder], ["Try": handler], options: options) { client, _ in
            let text = try await client.text("Try")
            #expect(text == "at last")
            #expect(attempts.value == 3)
            #expect(recorder.calls.value.count == 1)
        }
    }

    @Test func itHasItsWordBeforeTheCallerReadsTheEnd() async throws {
        let isDone = Watched(false)
        let middleware = Around { call, next in
            let result = try await next(call)
            for _ in 0..<100 { await Task.yield() }
            isDone.set(true)
            return result
        }
        try await withClient([middleware]) { client, _ in
            _ = try await client.echo([[1], [2]])
            #expect(isDone.value)
        }
    }

    @Test func aCallerThatLeavesEndsIt() async throws {
        let recorder = Recorder()
        let handler: TestService.Handler = { _, _ in
            TestService.Response { writer in
                while true { try await writer.write([1]) }
            }
        }
        try await withClient([recorder], ["Forever": handler]) { client, _ in
            _ = try await client.stream("Forever") { _ in
            } _: { response in
                try await response.messages.first { _ in true }
            }
            #expect(await recorder.error() is CancellationError)
        }
    }
}
