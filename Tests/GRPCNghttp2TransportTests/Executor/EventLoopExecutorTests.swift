import GRPCCore
import NIOPosix
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Handlers that run on the event loop of their connection.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct EventLoopExecutorTests {
    private static let config = Nghttp2ServerTransport.Config.defaults

    private static var isOnLoop: Bool { MultiThreadedEventLoopGroup.currentEventLoop != nil }

    @Test func handlersRunOnTheirEventLoopAndReturnToIt() async throws {
        let places = Shared<[Bool]>([])
        let handler: RawHandler = { request, context in
            places.update { $0.append(Self.isOnLoop) }
            await Task.yield()
            places.update { $0.append(Self.isOnLoop) }
            await withTaskExecutorPreference(globalConcurrentExecutor) { await Self.note(places) }
            places.update { $0.append(Self.isOnLoop) }
            return try await RawService.echo(request, context)
        }
        try await withLoopback(["Echo": handler], server: Self.config) { client, _ in
            let answer = try await client.call("Echo", [1])
            #expect(answer == [1])
        }
        #expect(places.value == [true, true, false, true])
    }

    @concurrent private static func note(_ places: Shared<[Bool]>) async {
        places.update { $0.append(Self.isOnLoop) }
    }

    @Test func clientCallRunsOnItsEventLoopIfConfigured() async throws {
        let client = ClientTransportConfig.defaults { $0.callExecutor = .eventLoop }
        try await withLoopback(["Echo": RawService.echo], client: client) { client, _ in
            let isOnLoop = try await client.stream("Echo") { writer in
                try await writer.write([1])
            } response: { response in
                for try await _ in response.messages {}
                return Self.isOnLoop
            }
            #expect(isOnLoop)
            #expect(!Self.isOnLoop)
        }
    }

    private static func compute(for time: Duration) {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {}
    }

    @Test func handlerThatBlocksTheEventLoopIsReported() async throws {
        RecordedMetrics.record()
        let before = RecordedMetrics.serverHits(.loopTime)
        let handler: RawHandler = { request, context in
            // No handler should do this.
            Self.compute(for: .milliseconds(150))
            return try await RawService.echo(request, context)
        }
        try await withLoopback(["Block": handler], server: Self.config) { client, _ in
            _ = try await client.call("Block", [1])
            try await eventually { RecordedMetrics.serverHits(.loopTime) > before }
        }
    }

    @Test func poolHandlersDoNotRunOnTheEventLoop() async throws {
        let places = Shared<[Bool]>([])
        let handler: RawHandler = { request, context in
            places.update { $0.append(Self.isOnLoop) }
            return try await RawService.echo(request, context)
        }
        try await withLoopback(["Echo": handler], server: .defaults { $0.handlerExecutor = .globalPool }) { client, _ in
            _ = try await client.call("Echo", [1])
        }
        #expect(places.value == [false])
    }

    @Test(arguments: [ClientTransportConfig.CallExecutor.caller, .eventLoop])
    func allKindsOfCallsWorkOnTheEventLoop(_ callExecutor: ClientTransportConfig.CallExecutor) async throws {
        let last: RawHandler = { request, _ in
            let messages = try await RawService.collect(request)
            return StreamingServerResponse(single: ServerResponse(message: messages.flatMap { $0 }))
        }
        let three: RawHandler = { request, _ in
            let request = try await ServerRequest(stream: request)
            return StreamingServerResponse { writer in
                for _ in 0..<3 { try await writer.write(request.message) }
                return [:]
            }
        }
        let handlers = ["Unary": RawService.echo, "Client": last, "Server": three, "Both": RawService.echoEach]
        let client = ClientTransportConfig.defaults { $0.callExecutor = callExecutor }
        try await withLoopback(handlers, server: Self.config, client: client) { client, _ in
            for (method, expected) in [
                ("Unary", [[1]]), ("Client", [[1, 2, 3]]), ("Server", [[1], [1], [1]]), ("Both", [[1], [2], [3]]),
            ] as [(String, [[UInt8]])] {
                let isSingle = method == "Unary" || method == "Server"
                let answer = try await client.stream(method) { writer in
                    for byte in (isSingle ? 1...1 : 1...3) as ClosedRange<UInt8> { try await writer.write([byte]) }
                } response: { response in
                    try await response.messages.reduce(into: [[UInt8]]()) { $0.append($1) }
                }
                #expect(answer == expected, "\(method)")
            }
        }
    }

    @Test(arguments: [ClientTransportConfig.CallExecutor.caller, .eventLoop])
    func concurrentCallsWorkOnTheEventLoop(_ callExecutor: ClientTransportConfig.CallExecutor) async throws {
        let client = ClientTransportConfig.defaults { $0.callExecutor = callExecutor }
        try await withLoopback(["Echo": RawService.echo], server: Self.config, client: client) { client, _ in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<1000 {
                    let message = [UInt8(number % 256), UInt8(number / 256)]
                    group.addTask { try await client.call("Echo", message) == message }
                }
                for try await isRight in group {
                    #expect(isRight)
                }
            }
        }
    }

    @Test func gracefulShutdownLetsEventLoopHandlersEnd() async throws {
        let isRunning = Shared(false)
        let mayEnd = Shared(false)
        let handler: RawHandler = { request, context in
            isRunning.update { $0 = true }
            try await eventually { mayEnd.value }
            return try await RawService.echo(request, context)
        }
        try await withLoopback(["Echo": handler], server: Self.config) { client, server in
            async let answer = client.call("Echo", [1])
            try await eventually { isRunning.value }
            server.beginGracefulShutdown()
            mayEnd.update { $0 = true }
            let message = try await answer
            #expect(message == [1])
        }
    }

    @Test func cancelledCallEndsOnTheEventLoop() async throws {
        let isRunning = Shared(false)
        let wasCancelled = Shared(false)
        let handler: RawHandler = { _, _ in
            isRunning.update { $0 = true }
            defer { wasCancelled.update { $0 = true } }
            try await untilCancelled()
            return StreamingServerResponse(of: [UInt8].self) { _ in [:] }
        }
        try await withLoopback(["Hang": handler], server: Self.config) { client, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await client.call("Hang", [1]) }
                try await eventually { isRunning.value }
                group.cancelAll()
                await #expect(throws: RPCError.self) { try await group.waitForAll() }
            }
            try await eventually { wasCancelled.value }
        }
    }
}
