import GRPCCore
import ServiceContextModule
import ServiceKit
import ServiceKitConcurrency
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitGRPC

/// Middleware around the calls that a server serves.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct ServerMiddlewareTests {
    private struct Secret: Error {}

    private func withServer(
        _ middleware: [any Middleware],
        _ handlers: [String: TestService.Handler] = [:],
        _ body: (TestClient) async throws -> Void
    ) async throws {
        try await withTestBed { bed in
            try await bed.server("a", handlers, middleware: middleware)
            try await body(try bed.client())
        }
    }

    @Test func beginSeesTheCall() async throws {
        let recorder = Recorder()
        try await withServer([recorder]) { client in
            var options = CallOptions.defaults
            options.timeout = .seconds(40)
            let metadata: Metadata = ["k": "v", "k": "w", "k-bin": .binary([1, 2])]
            _ = try await client.call("Name", metadata: metadata, options: options).message
            let call = try #require(recorder.calls.value.first)
            #expect(call.side == .server)
            #expect(call.transport == "grpc")
            #expect(call.operation == "/test.Service/Name")
            #expect(call.peer.hasPrefix("ipv4:127.0.0.1:"))
            #expect(call.metadata.values(of: "k") == ["v", "w"])
            #expect(call.metadata.values(of: "k-bin") == [.binary([1, 2])])
            let left = try #require(call.deadline) - .now
            #expect(left > .zero && left <= .seconds(40))
        }
    }

    @Test func middlewareChangesTheRequestsHeadersAndAddsToTheResponses() async throws {
        let middleware = Begin { call in
            call.metadata["k"] = "changed"
            call.responseMetadata["head"] = "added"
            call.onEnd { _, result in
                result.trailers["tail"] = "added to \(result.trailers["tail"] ?? "nothing")"
            }
        }
        let handler: TestService.Handler = { request, _ in
            let text = request.metadata.text("k") ?? ""
            return TestService.Response(
                single: ServerResponse(
                    message: Array(text.utf8),
                    metadata: ["own": "1"],
                    trailingMetadata: ["tail": "the handler's"]
                )
            )
        }
        try await withServer([middleware], ["Read": handler]) { client in
            let response = try await client.call("Read", metadata: ["k": "v"])
            let message = try response.message
            #expect(message == Array("changed".utf8))
            #expect(response.metadata.text("head") == "added")
            #expect(response.metadata.text("own") == "1")
            #expect(response.trailingMetadata.text("tail") == "added to the handler's")
        }
    }

    @Test func callRefusedByBeginNeverReachesTheHandler() async throws {
        let isHandled = Watched(false)
        let middleware = Begin { _ in
            throw ServiceError(.forbidden, reason: "NOT_YOU", message: "not you", metadata: ["who": "you"])
        }
        let handler: TestService.Handler = { _, _ in
            isHandled.set(true)
            return .text("")
        }
        try await withServer([middleware], ["Handle": handler]) { client in
            let failure = try #require(await client.failure("Handle"))
            #expect(failure.code == .permissionDenied)
            let expected = ServiceError(.forbidden, reason: "NOT_YOU", message: "not you", metadata: ["who": "you"])
            #expect(failure.serviceError == expected)
            #expect(!isHandled.value)
        }
    }

    @Test func anEndReplacesTheHandlersError() async throws {
        let middleware = AtEnd { _, result in
            guard result.error is Secret else { return }
            result.fail(with: ServiceError(.conflict, reason: "CONFLICT", message: "replaced"))
        }
        let unary: TestService.Handler = { _, _ in throw Secret() }
        let stream: TestService.Handler = { _, _ in
            TestService.Response { writer in
                try await writer.write([1])
                throw Secret()
            }
        }
        try await withServer([middleware], ["Unary": unary, "Stream": stream]) { client in
            #expect(await client.failure("Unary")?.serviceError.reason == "CONFLICT")
            #expect(await client.failure("Stream")?.serviceError.reason == "CONFLICT")
        }
    }

    @Test func theEndOfAStreamComesAfterItsLastMessage() async throws {
        let recorder = Recorder()
        let gate = Gate()
        let handler: TestService.Handler = { _, _ in
            TestService.Response { writer in
                try await writer.write([1])
                try await gate.pass()
                try await writer.write([2])
                return [:]
            }
        }
        try await withServer([recorder], ["Stream": handler]) { client in
            let received = try await client.stream("Stream") { _ in
            } _: { response in
                var received: [UInt8] = []
                for try await message in response.messages {
                    received += message
                    if message == [1] {
                        #expect(recorder.results.value.isEmpty)
                        gate.open()
                    }
                }
                return received
            }
            #expect(received == [1, 2])
            _ = try await recorder.result()
        }
    }

    @Test func anEndAddsTrailersToAFailureAndKeepsItsDetails() async throws {
        let error = ServiceError(.notFound, reason: "NONE", message: "none")
        let middleware = AtEnd { $1.trailers["tail"] = "added" }
        try await withServer([middleware], ["Find": { _, _ in throw error }]) { client in
            let failure = try #require(await client.failure("Find"))
            #expect(failure.metadata.text("tail") == "added")
            #expect(failure.serviceError == error)
        }
    }

    @Test func theContextOfTheCallReachesHandlersAndTheirStreams() async throws {
        let middleware = Begin { $0.context.outgoingMetadata = ["tag": "set"] }
        let tag = { @Sendable in ServiceContext.current?.outgoingMetadata?["tag"] ?? "none" }
        let unary: TestService.Handler = { _, _ in .text(tag()) }
        let stream: TestService.Handler = { _, _ in
            TestService.Response { writer in
                try await writer.write(Array(tag().utf8))
                return [:]
            }
        }
        try await withServer([middleware], ["Unary": unary, "Stream": stream]) { client in
            for method in ["Unary", "Stream"] {
                let text = try await client.text(method)
                #expect(text == "set")
            }
        }
    }

    @Test func errorMaskingHidesAnUnknownErrorThatMiddlewareInsideItSees() async throws {
        let (log, recorder) = (LogRecorder(), Recorder())
        let unary: TestService.Handler = { _, _ in throw Secret() }
        let stream: TestService.Handler = { _, _ in TestService.Response { _ in throw Secret() } }
        try await withServer([ErrorMasking(logger: log.logger()), recorder], ["Unary": unary, "Stream": stream]) {
            client in
            for method in ["Unary", "Stream"] {
                let failure = try #require(await client.failure(method))
                #expect(failure.code == .internalError)
                #expect(
                    failure.serviceError == ServiceError(.internalError, reason: "INTERNAL", message: "internal error"))
            }
            #expect(recorder.results.value.count == 2)
            for result in recorder.results.value {
                #expect(result.error is Secret)
            }
            #expect(log.entries.filter { "\($0)".contains("Secret") }.count == 2)
        }
    }

    @Test(arguments: [true, false])
    func serviceErrorReachesTheClientWithAllFields(_ hasMiddleware: Bool) async throws {
        let error = ServiceError(.notFound, reason: "USER_NOT_FOUND", message: "no user 7", metadata: ["id": "7"])
        let middleware: [any Middleware] = hasMiddleware ? [Recorder()] : []
        let unary: TestService.Handler = { _, _ in throw error }
        let stream: TestService.Handler = { _, _ in TestService.Response { _ in throw error } }
        try await withServer(middleware, ["Unary": unary, "Stream": stream]) { client in
            for method in ["Unary", "Stream"] {
                let failure = try #require(await client.failure(method))
                #expect(failure.code == .notFound)
                #expect(failure.serviceError == error)
            }
        }
    }

    @Test(arguments: [true, false])
    func anErrorThatConvertsTravelsAsItsServiceError(_ hasMiddleware: Bool) async throws {
        struct Convertible: ServiceErrorConvertible {
            let serviceError = ServiceError(.conflict, reason: "TAKEN", message: "taken")
        }
        let middleware: [any Middleware] = hasMiddleware ? [Recorder()] : []
        try await withServer(middleware, ["Take": { _, _ in throw Convertible() }]) { client in
            #expect(await client.failure("Take")?.serviceError == Convertible().serviceError)
        }
    }

    @Test(arguments: [true, false])
    func textOfAnUnknownErrorStaysOnTheServer(_ hasMiddleware: Bool) async throws {
        let middleware: [any Middleware] = hasMiddleware ? [Recorder()] : []
        try await withServer(middleware, ["Leak": { _, _ in throw Secret() }]) { client in
            let failure = try #require(await client.failure("Leak"))
            #expect(failure.code == .unknown)
            #expect(failure.message == "unexpected error")
        }
    }

    @Test func aRuleSelectsItsCalls() async throws {
        try await withTestBed { bed in
            let recorder = Recorder()
            var chain = MiddlewareChain()
            chain.use(recorder, for: .exact("/test.Service/Name"))
            let server = try GRPCAppServer(
                .init([GRPCService(TestService(id: "a"))]),
                options: GRPCServerOptions(),
                middleware: chain,
                logger: bed.log.logger()
            )
            let bound = Promise<Endpoint>()
            let serving = Task {
                try await server.run { if let endpoint = $0.first { bound.resolve(.success(endpoint)) } }
            }
            let discoverer = ScriptedDiscoverer()
            discoverer.say(try await bound.value())
            let client = try bed.client(discoverer: discoverer)
            _ = try await client.text("Name")
            _ = try await client.echo([[1]])
            #expect(recorder.calls.value.map(\.operation) == ["/test.Service/Name"])
            await client.shutDown()
            server.beginGracefulShutdown()
            try await serving.value
        }
    }

    @Test func anUnknownMethodIsUnimplemented() async throws {
        let recorder = Recorder()
        try await withServer([recorder]) { client in
            #expect(await client.failure("Missing")?.code == .unimplemented)
            #expect((await recorder.error() as? RPCError)?.code == .unimplemented)
        }
    }

    @Test func aServersTimeLimitEndsItsHandler() async throws {
        var limits = Deadlines.Options()
        limits.methods["/test.Service/Hang"] = .milliseconds(30)
        let handler: TestService.Handler = { _, _ in
            try await Gate().pass()
            return .text("")
        }
        try await withServer([Deadlines(limits)], ["Hang": handler]) { client in
            let failure = try #require(await client.failure("Hang"))
            #expect(failure.code == .deadlineExceeded)
            #expect(failure.message == "/test.Service/Hang did not end before its deadline")
        }
    }

    /// An `AsyncStream` ends without an error when its task is cancelled, and the handler behind it returns.
    @Test func streamThatEndsQuietlyAtTheServersTimeLimitHasExceededItsDeadline() async throws {
        var limits = Deadlines.Options()
        limits.methods["/test.Service/Watch"] = .milliseconds(100)
        let recorder = Recorder()
        try await withServer([recorder, Deadlines(limits)], ["Watch": Self.watch()]) { client in
            let failure = try #require(await client.failure("Watch"))
            #expect(failure.code == .deadlineExceeded)
            let error = ServiceError(try #require(await recorder.error()))
            #expect(error?.code == .deadlineExceeded)
        }
    }

    @Test func streamThatEndsQuietlyWhenItsCallerLeavesIsCancelled() async throws {
        let recorder = Recorder()
        let begun = Watched(false)
        try await withServer([recorder, Deadlines()], ["Watch": Self.watch(begun)]) { client in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await client.failure("Watch") }
                _ = await begun.first { $0 }
                group.cancelAll()
            }
            #expect((await recorder.error() as? RPCError)?.code == .cancelled)
        }
    }

    private static func watch(_ begun: Watched<Bool> = Watched(false)) -> TestService.Handler {
        { _, _ in
            TestService.Response { writer in
                try await writer.write([1])
                begun.set(true)
                let (events, continuation) = AsyncStream.makeStream(of: [UInt8].self)
                defer { continuation.finish() }
                for await event in events { try await writer.write(event) }
                return [:]
            }
        }
    }

    @Test func theCallersDeadlineEndsMiddlewareThatWaits() async throws {
        let (entered, cancelled) = (Watched(0), Watched(0))
        let middleware = Begin { _ in
            entered.update { $0 += 1 }
            await untilCancelled()
            cancelled.update { $0 += 1 }
            throw CancellationError()
        }
        try await withServer([middleware]) { client in
            var options = CallOptions.defaults
            var timeout = Duration.milliseconds(20)
            // The deadline may pass before the call reaches the middleware.
            while entered.value == 0 {
                options.timeout = timeout
                #expect(await client.failure(options: options)?.code == .deadlineExceeded)
                timeout *= 2
            }
            _ = await cancelled.first { $0 == entered.value }
        }
    }

    /// GRPCCore alone informs only handlers that ask, and cancels no task.
    @Test(arguments: [true, false])
    func theTaskOfAHandlerIsCancelledWhenItsCallerLeaves(_ hasDeadline: Bool) async throws {
        let (entered, cancelled) = (Watched(0), Watched(0))
        let recorder = Recorder()
        let handler: TestService.Handler = { _, _ in
            entered.update { $0 += 1 }
            await untilCancelled()
            cancelled.update { $0 += 1 }
            throw CancellationError()
        }
        try await withServer([recorder, Deadlines()], ["Hang": handler]) { client in
            if hasDeadline {
                var options = CallOptions.defaults
                var timeout = Duration.milliseconds(20)
                // The call may be over before the handler is called.
                while entered.value == 0 {
                    options.timeout = timeout
                    #expect(await client.failure("Hang", options: options)?.code == .deadlineExceeded)
                    timeout *= 2
                }
            } else {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { _ = await client.failure("Hang") }
                    _ = await entered.first { $0 == 1 }
                    group.cancelAll()
                }
            }
            _ = await cancelled.first { $0 == entered.value }
            #expect(await recorder.error() != nil)
        }
    }

    @Test func serverStoppedBeforeItServesEnds() async throws {
        let server = try GRPCAppServer(
            .init([]),
            options: GRPCServerOptions(),
            middleware: MiddlewareChain(),
            logger: LogRecorder().logger()
        )
        server.beginGracefulShutdown()
        try await server.run { _ in Issue.record("it never listened") }
    }
}
