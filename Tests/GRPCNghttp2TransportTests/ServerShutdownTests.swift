import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct ServerShutdownTests {
    @Test func gracefulShutdownLetsCallsInFlightEnd() async throws {
        let gate = Gate()
        let wait: RawHandler = { request, _ in
            try await gate.pass()
            let messages = try await RawService.collect(request)
            return StreamingServerResponse(single: ServerResponse(message: [UInt8(messages.count)]))
        }
        try await withLoopback(["Wait": wait]) { client, server in
            try await withThrowingTaskGroup(of: [[UInt8]].self) { group in
                let (more, send) = AsyncStream.makeStream(of: [UInt8].self)
                group.addTask {
                    try await client.stream("Wait") { writer in
                        for await message in more {
                            try await writer.write(message)
                        }
                    } response: { response in
                        try await response.messages.reduce(into: []) { $0.append($1) }
                    }
                }
                await gate.waitForArrivals()
                server.beginGracefulShutdown()
                // The call goes on: both sides still send.
                send.yield([1])
                send.yield([2])
                send.finish()
                gate.open()
                let answer = try await group.next()
                #expect(answer == [[2]])
            }
        }
    }

    @Test func listenReturnsAfterTheLastHandler() async throws {
        let gate = Gate()
        let wait = RawService.echo(behind: gate)
        let service = RawService(handlers: ["Wait": wait])
        let transport = Nghttp2ServerTransport(serving: service)
        let server = GRPCServer(transport: transport, services: [service])
        let hasReturned = Shared(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.serve()
                hasReturned.update { $0 = true }
            }
            let address = try await transport.listeningAddress
            try await withClient(address) { client in
                try await withThrowingTaskGroup(of: [UInt8].self) { calls in
                    calls.addTask { try await client.call("Wait", [5]) }
                    await gate.waitForArrivals()
                    server.beginGracefulShutdown()
                    // No new connection is taken, which shows that the shutdown is under way.
                    try await eventually { server.transport.server.lifecycle.isListenerClosed }
                    #expect(!hasReturned.value)
                    gate.open()
                    let answer = try await calls.next()
                    #expect(answer == [5])
                }
            }
            try await group.waitForAll()
            #expect(hasReturned.value)
        }
    }

    /// Under load, every call that fails during a shutdown was not processed, and can be made again elsewhere.
    @Test func shutdownUnderLoadLosesNoCall() async throws {
        let handled = Shared(0)
        let count: RawHandler = { request, context in
            let response = try await RawService.echo(request, context)
            handled.update { $0 += 1 }
            return response
        }
        for _ in 0..<5 {
            handled.update { $0 = 0 }
            let connected = Shared(0)
            let (done, refused) = try await withServer(["Count": count]) { server, address in
                try await withThrowingTaskGroup(of: (Int, Int).self) { clients in
                    for _ in 0..<3 {
                        clients.addTask {
                            try await withClientConnection(address) { connection in
                                connected.update { $0 += 1 }
                                return try await Self.load(connection)
                            }
                        }
                    }
                    // A client that has not connected before the shutdown never will.
                    try await eventually { connected.value == 3 && handled.value > 300 }
                    server.beginGracefulShutdown()
                    return try await clients.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
                }
            }
            #expect(done == handled.value)
            #expect(refused > 0)
        }
    }

    /// Makes calls, many at a time, until the server takes no more. Returns the number of calls that ended well, and of
    /// those that were not processed. Any other outcome is an error.
    private static func load(_ connection: ClientConnection) async throws -> (Int, Int) {
        try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for _ in 0..<20 {
                group.addTask {
                    var done = 0
                    while true {
                        do {
                            let parts = try await connection.call("Count", [1, 2, 3])
                            guard case .status(let status, _)? = parts.last, status.code == .ok else {
                                throw RPCError(code: .unknown, message: "\(parts)")
                            }
                            done += 1
                        } catch let error as RPCError where error.isNotProcessed {
                            return (done, 1)
                        }
                    }
                }
            }
            return try await group.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
        }
    }

    @Test func cancellingTheServersTaskEndsCallsAtOnce() async throws {
        let (events, event) = AsyncStream.makeStream(of: String.self)
        let wait: RawHandler = { _, context in
            event.yield("started")
            try? await context.cancellation.cancelled
            event.yield("cancelled")
            throw CancellationError()
        }
        // The handler looks at its task only.
        let sleep: RawHandler = { _, _ in
            event.yield("started")
            try await Task.sleep(for: .seconds(1000))
            return StreamingServerResponse(single: ServerResponse(message: []))
        }
        let service = RawService(handlers: ["Wait": wait, "Sleep": sleep])
        let transport = Nghttp2ServerTransport(serving: service)
        let server = GRPCServer(transport: transport, services: [service])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            let address = try await transport.listeningAddress
            try await withClient(address) { client in
                await withThrowingTaskGroup(of: [UInt8].self) { calls in
                    calls.addTask { try await client.call("Wait") }
                    calls.addTask { try await client.call("Sleep") }
                    var iterator = events.makeAsyncIterator()
                    #expect(await iterator.next() == "started")
                    #expect(await iterator.next() == "started")
                    group.cancelAll()
                    #expect(await iterator.next() == "cancelled")
                    for _ in 0..<2 {
                        let error = await #expect(throws: RPCError.self) { try await calls.next() }
                        #expect(error?.code == .unavailable || error?.code == .cancelled)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func serverShutDownBeforeItListensEnds() async throws {
        let transport = Nghttp2ServerTransport(address: .anyPort)
        transport.beginGracefulShutdown()
        await #expect(throws: RPCError.self) { try await transport.listeningAddress }
        try await transport.listen { _, _ in }
    }

    @Test func waitingForTheAddressCanBeCancelled() async throws {
        let transport = Nghttp2ServerTransport(address: .anyPort)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await transport.listeningAddress }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
    }

    @Test func portInUseIsNamed() async throws {
        try await withServer(["Echo": RawService.echo]) { _, address in
            let second = Nghttp2ServerTransport(address: address)
            let error = await #expect(throws: ServerBindError.self) { try await second.listen { _, _ in } }
            let text = try #require(error?.description)
            #expect(text.contains("\(address)"))
            #expect(text.contains("Address already in use"))
            #expect(text.contains("choose another port"))
            #expect(!text.contains("\n"))
            await #expect(throws: ServerBindError.self) { try await second.listeningAddress }
        }
    }

    @Test func addressOfAnotherMachineIsNamed() async {
        let transport = Nghttp2ServerTransport(address: .ipv4(host: "192.0.2.1", port: 0))
        let error = await #expect(throws: ServerBindError.self) { try await transport.listen { _, _ in } }
        #expect(error?.description.contains("ipv4:192.0.2.1:0") == true)
    }

    @Test func listeningTwiceIsAnError() async throws {
        try await withServer([:]) { server, _ in
            let error = await #expect(throws: RPCError.self) { try await server.transport.listen { _, _ in } }
            #expect(error?.code == .failedPrecondition)
        }
    }
}
