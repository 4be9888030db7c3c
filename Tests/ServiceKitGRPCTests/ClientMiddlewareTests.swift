import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// Middleware around the calls that a channel makes.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
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

    /// Opens its gate, and never answers.
    private func hang(_ entered: Gate) -> TestService.Handler {
        { _, context in
            entered.open()
            try await context.cancellation.cancelled
            throw CancellationError()
        }
    }

    // MARK: - The begin

    @Test func beginSeesTheCall() async throws {
        let recorder = Recorder()
        try await withClient([recorder]) { client, _ in
            var options = CallOptions.defaults
            options.timeout = .seconds(40)
            _ = try await client.text(metadata: ["k": "v"], options: options)
            let call = try #require(recorder.calls.value.first)
            #expect(call.side == .client && call.transport == "grpc")
            #expect(call.operation == "/test.Service/Name")
            #expect(call.peer == "discovery:///test")
            #expect(call.metadata["k"] == "v")
            #expect(try #require(call.deadline) - .now <= .seconds(40))
        }
    }

    @Test func headersThatBeginAddsAreSent() async throws {
        try await withClient([Begin { $0.metadata.append("added", for: "k") }], readK) { client, _ in
            let text = try await client.text("Read", metadata: ["k": "own"])
            #expect(text == "own,added")
        }
    }

    @Test func unchangedHeadersAreSentAsWritten() async throws {
        try await withClient([Recorder()], readK) { client, _ in
            let text = try await client.text("Read", metadata: ["k": "a", "K": "b"])
            #expect(text == "a,b")
        }
    }

    @Test func waitingBeginDelaysTheCall() async throws {
        let (arrived, gate) = (Gate(), Gate())
        let middleware = Begin { call in
            arrived.open()
            try await gate.pass()
            call.metadata["k"] = "late"
        }
        try await withClient([middleware], readK) { client, balancer in
            let text = Task { try await client.text("Read") }
            try await arrived.pass()
            #expect(balancer.picks.value.isEmpty)
            gate.open()
            let received = try await text.value
            #expect(received == "late")
        }
    }

    @Test func deadlineSetByBeginEndsTheCall() async throws {
        let recorder = Recorder()
        let middleware = Begin { $0.deadline = .now + .milliseconds(50) }
        // The server may reach the deadline first; its answer then must not count.
        try await withClient([recorder, middleware], ["Hang": hang(Gate())]) { client, _ in
            #expect(await client.failure("Hang")?.code == .deadlineExceeded)
        }
        #expect((await recorder.error() as? RPCError)?.code == .deadlineExceeded)
    }

    @Test func deadlineSetByBeginEndsTheWaitForAnInstance() async throws {
        try await withTestBed { bed in
            let client = try bed.client(
                middleware: [Begin { $0.deadline = .now + .milliseconds(20) }],
                discoverer: ScriptedDiscoverer()
            )
            var options = CallOptions.defaults
            options.waitForReady = true
            #expect(await client.failure(options: options)?.code == .deadlineExceeded)
        }
    }

    @Test func aCallThatBeginRefusesIsNotMade() async throws {
        let recorder = Recorder()
        let middleware = Begin { _ in throw ServiceError(.tooManyRequests, reason: "RATELIMIT", message: "too many") }
        try await withClient([recorder, middleware]) { client, balancer in
            let failure = try #require(await client.failure())
            #expect(failure.code == .resourceExhausted)
            #expect(failure.serviceError.reason == "RATELIMIT")
            #expect(balancer.picks.value.isEmpty)
        }
        let result = try await recorder.result()
        #expect(result.error is ServiceError && result.node == nil && result.attempts == 0)
        #expect(recorder.results.value.count == 1)
    }

    @Test func anEndReplacesTheErrorOfARefusedCall() async throws {
        let replace = AtEnd { _, result in
            result.fail(with: ServiceError(.conflict, reason: "REPLACED", message: "replaced"))
        }
        let refuse = Begin { _ in throw ServiceError(.tooManyRequests, reason: "RATELIMIT", message: "too many") }
        try await withClient([replace, refuse]) { client, _ in
            #expect(await client.failure()?.serviceError.reason == "REPLACED")
        }
    }

    // MARK: - The end

    @Test func theEndOfASuccessNamesInstanceAndTrailers() async throws {
        let recorder = Recorder()
        let handler: TestService.Handler = { _, _ in
            TestService.Response(single: ServerResponse(message: [], trailingMetadata: ["t": "1"]))
        }
        try await withClient([recorder], ["Trail": handler]) { client, _ in
            _ = try await client.call("Trail").message
        }
        let result = try await recorder.result()
        #expect(result.error == nil && result.node?.instance.id == "a" && result.attempts == 1)
        #expect(result.trailers["t"] == "1")
    }

    @Test func theEndOfAFailureNamesErrorInstanceAttemptsAndTrailers() async throws {
        let recorder = Recorder()
        var options = ChannelOptions()
        options.retry.idempotent = ["/test.Service/"]
        options.retry.attempts = 3
        let handler: TestService.Handler = { _, _ in
            throw RPCError(code: .unavailable, message: "down", metadata: ["t": "1"])
        }
        try await withClient([recorder], ["Fail": handler], options: options) { client, _ in
            #expect(await client.failure("Fail")?.code == .unavailable)
        }
        let result = try await recorder.result()
        #expect((result.error as? RPCError)?.message == "down")
        #expect(result.node?.instance.id == "a" && result.attempts == 3)
        #expect(result.trailers["t"] == "1")
        #expect(recorder.calls.value.count == 1 && recorder.results.value.count == 1)
    }

    @Test func theEndOfAStreamComesWithItsLastPart() async throws {
        let recorder = Recorder()
        try await withClient([recorder]) { client, _ in
            let received = try await client.stream { writer in
                try await writer.write([1])
                try await writer.write([2])
            } _: { response in
                var received: [UInt8] = []
                for try await message in response.messages {
                    #expect(recorder.results.value.isEmpty)
                    received += message
                }
                #expect(recorder.results.value.count == 1)
                return received
            }
            #expect(received == [1, 2])
        }
        #expect(await recorder.error() == nil)
    }

    @Test func anEndReplacesTheServersError() async throws {
        let recorder = Recorder()
        let replace = AtEnd { _, result in
            result.fail(with: ServiceError(.conflict, reason: "REPLACED", message: "replaced"))
        }
        let error = ServiceError(.notFound, reason: "NONE", message: "none", metadata: ["id": "7"])
        try await withClient([replace, recorder], ["Find": { _, _ in throw error }]) { client, _ in
            #expect(await client.failure("Find")?.serviceError.reason == "REPLACED")
        }
        let seen = try #require(await recorder.error())
        #expect(ServiceError(seen) == error)
    }

    @Test func endTurnsASuccessIntoAFailure() async throws {
        let middleware = AtEnd { _, result in
            let instance = result.node?.instance.id ?? ""
            result.fail(with: ServiceError(.conflict, reason: "TOO_OLD", message: "served by \(instance)"))
        }
        try await withClient([middleware]) { client, _ in
            #expect(await client.failure()?.message == "served by a")
        }
    }

    @Test func anEndChangesTrailers() async throws {
        try await withClient([AtEnd { $1.trailers["tail"] = "changed" }]) { client, _ in
            let response = try await client.call()
            #expect(response.trailingMetadata.text("tail") == "changed")
        }
    }

    @Test func anEndChangesTheTrailersOfAFailureAndKeepsItsDetails() async throws {
        let error = ServiceError(.notFound, reason: "NONE", message: "none")
        let middleware = AtEnd { $1.trailers["tail"] = "added" }
        try await withClient([middleware], ["Find": { _, _ in throw error }]) { client, _ in
            let failure = try #require(await client.failure("Find"))
            #expect(failure.metadata.text("tail") == "added")
            #expect(failure.serviceError == error)
        }
    }

    @Test func innermostEndRunsFirst() async throws {
        // A type for each: a chain holds one middleware of a type.
        struct Named<Place>: Middleware {
            let name: String
            let log: Watched<[String]>

            func begin(_ call: inout Call) {
                log.update { $0.append("\(name) begins") }
                call.onEnd { [name, log] _, _ in log.update { $0.append("\(name) ends") } }
            }
        }
        let log = Watched<[String]>([])
        let middleware: [any Middleware] = [Named<Int>(name: "outer", log: log), Named<Bool>(name: "inner", log: log)]
        try await withClient(middleware) { client, _ in
            _ = try await client.text()
        }
        #expect(log.value == ["outer begins", "inner begins", "inner ends", "outer ends"])
    }

    // MARK: - The caller leaves

    @Test func callerThatStopsReadingEndsTheMiddleware() async throws {
        let recorder = Recorder()
        try await withClient([recorder]) { client, _ in
            let first = try await client.stream { writer in
                try await writer.write([7])
                try await Gate().pass()
            } _: { response in
                var messages = response.messages.makeAsyncIterator()
                return try await messages.next()
            }
            #expect(first == [7])
            let result = try await recorder.result()
            #expect(result.error is CancellationError && result.node?.instance.id == "a")
        }
        #expect(recorder.results.value.count == 1)
    }

    @Test func cancelledCallerEndsTheMiddlewareOnce() async throws {
        let recorder = Recorder()
        let entered = Gate()
        try await withClient([recorder], ["Hang": hang(entered)]) { client, _ in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await client.failure("Hang") }
                try? await entered.pass()
                group.cancelAll()
            }
        }
        #expect(recorder.results.value.count == 1)
        let error = try #require(await recorder.error())
        #expect(ServiceError(error)?.code == .cancelled)
    }

    @Test func aCallerThatLeavesWhileTheMiddlewareBeginsEndsIt() async throws {
        let recorder = Recorder()
        let arrived = Gate()
        let wait = Begin { _ in
            arrived.open()
            try await Gate().pass()
        }
        try await withClient([recorder, wait]) { client, balancer in
            let call = Task { await client.failure() }
            try await arrived.pass()
            call.cancel()
            #expect(await call.value?.code == .cancelled)
            #expect(balancer.picks.value.isEmpty)
            let error = try #require(await recorder.error())
            #expect(ServiceError(error)?.code == .cancelled)
        }
        #expect(recorder.results.value.count == 1)
    }

    @Test func middlewareBeginningAfterTheCallerLeftIsEnded() async throws {
        let recorder = Recorder()
        let (arrived, gate) = (Gate(), Gate())
        let wait = Begin { _ in
            arrived.open()
            // Ignores its cancellation.
            await Task { try? await gate.pass() }.value
        }
        try await withClient([recorder, wait]) { client, balancer in
            let call = Task { await client.failure() }
            try await arrived.pass()
            call.cancel()
            gate.open()
            _ = await call.value
            let result = try await recorder.result()
            // The writer or the reader is the first to notice: each has an error of its own.
            #expect(result.error.flatMap { ServiceError($0) }?.code == .cancelled && result.attempts == 0)
            #expect(balancer.picks.value.isEmpty)
        }
        #expect(recorder.results.value.count == 1)
    }
}
