import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct CancellationTests {
    @Test func cancellationByTheClientReachesTheHandler() async throws {
        let (events, event) = AsyncStream.makeStream(of: String.self)
        let wait: RawHandler = { request, context in
            StreamingServerResponse { writer in
                event.yield("started")
                try await context.cancellation.cancelled
                event.yield("cancelled")
                do {
                    // The call is gone: writing and reading fail now.
                    try await writer.write([1])
                } catch {
                    event.yield("cannot write")
                }
                do {
                    for try await _ in request.messages {}
                } catch let error as RPCError {
                    event.yield("cannot read: \(error.code)")
                }
                return [:]
            }
        }
        try await withLoopback(["Wait": wait]) { client, _ in
            var iterator = events.makeAsyncIterator()
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await client.stream("Wait") { _ in
                        // The request goes on for as long as the call.
                        try await untilCancelled()
                    } response: { response in
                        for try await _ in response.messages {}
                    }
                }
                #expect(await iterator.next() == "started")
                group.cancelAll()
                let error = await #expect(throws: RPCError.self) { try await group.next() }
                #expect(error?.code == .cancelled)
            }
            #expect(await iterator.next() == "cancelled")
            #expect(await iterator.next() == "cannot write")
            #expect(await iterator.next() == "cannot read: cancelled")
        }
    }

    @Test func cancellingATaskThatReadsDoesNotCancelTheCall() async throws {
        try await RawHTTP2Server.run(onStream: { _, _ in }) { server in
            try await RawHTTP2Client.run(server.address) { client in
                let stream = try client.open(method: "Any")
                await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try await stream.next() }
                    group.cancelAll()
                    await #expect(throws: CancellationError.self) { try await group.next() }
                }
                #expect(!stream.hasReadingEnded)
            }
        }
    }

    @Test func twoConcurrentReadersAreRefused() async throws {
        try await RawHTTP2Server.run(onStream: { _, _ in }) { server in
            try await RawHTTP2Client.run(server.address) { client in
                let stream = try client.open(method: "Any")
                // Not in a group: it would wait for a reader that never goes on.
                let (errors, error) = AsyncStream.makeStream(of: StreamFailure?.self)
                let readers = (0..<2).map { _ in
                    Task {
                        do {
                            _ = try await stream.next()
                        } catch let failure {
                            error.yield(failure as? StreamFailure)
                        }
                    }
                }
                var iterator = errors.makeAsyncIterator()
                #expect(await iterator.next() == .protocolViolation("two tasks read the same call at a time"))
                for reader in readers { reader.cancel() }
            }
        }
    }

    /// A stream whose deadline is enforced by the connection itself.
    @Test func deadlineEndsAStreamAndResetsIt() async throws {
        let (requests, request) = AsyncStream.makeStream(of: (HTTP2Stream, HeaderBlock?).self)
        try await RawHTTP2Server.run(onStream: { request.yield(($0, $1)) }) { server in
            try await withClientConnection(server.address) { connection in
                let stream = try connection.makeStream(
                    descriptor: RawService.method("Any"), deadline: .now + .milliseconds(50)
                )
                try await stream.write(.metadata([:]))
                let error = await #expect(throws: RPCError.self) { try await stream.next() }
                #expect(error?.code == .deadlineExceeded)
                var iterator = requests.makeAsyncIterator()
                let (peer, headers) = try #require(await iterator.next())
                #expect(headers?.fields["grpc-timeout"]?.isEmpty == false)
                await #expect(throws: StreamFailure.reset(.cancel)) { try await peer.next() }
            }
        }
    }

    @Test func timeoutInTheMetadataIsSent() async throws {
        let (requests, request) = AsyncStream.makeStream(of: HeaderBlock?.self)
        try await RawHTTP2Server.run(onStream: { request.yield($1) }) { server in
            try await withClientConnection(server.address) { connection in
                let stream = try connection.makeStream(
                    descriptor: RawService.method("Any"), deadline: .now + .seconds(30)
                )
                try await stream.write(.metadata(["grpc-timeout": "7S"]))
                var iterator = requests.makeAsyncIterator()
                #expect(await iterator.next()??.fields["grpc-timeout"] == "7S")
                stream.cancel()
            }
        }
    }

    @Test func timeoutEndsACallAndCancelsItsHandler() async throws {
        let (outcomes, outcome) = AsyncStream.makeStream(of: Bool.self)
        let wait: RawHandler = { _, context in
            try await context.cancellation.cancelled
            outcome.yield(true)
            throw CancellationError()
        }
        try await withLoopback(["Wait": wait, "Echo": RawService.echo]) { client, _ in
            // So that the timeout is not spent on connecting.
            _ = try await client.call("Echo")
            var options = CallOptions.defaults
            // Long enough for the call to reach its handler.
            options.timeout = .seconds(5)
            let error = await #expect(throws: RPCError.self) { try await client.call("Wait", options: options) }
            #expect(error?.code == .deadlineExceeded)
            var iterator = outcomes.makeAsyncIterator()
            #expect(await iterator.next() == true)
        }
    }

    /// The answer of a server at the deadline, to a client that does not watch the deadline itself.
    @Test(arguments: ["GiveUp", "Read"])
    func serverEndsACallAtItsDeadline(_ method: String) async throws {
        let giveUp: RawHandler = { _, context in
            try await context.cancellation.cancelled
            throw CancellationError()
        }
        // The handler does not look at its cancellation, but waits for messages that do not come.
        let read: RawHandler = { request, _ in
            let messages = try await RawService.collect(request)
            return StreamingServerResponse(single: ServerResponse(message: messages.flatMap { $0 }))
        }
        try await withServer(["GiveUp": giveUp, "Read": read]) { _, address in
            let status = try await status(of: method, at: address)
            #expect(status == "4")
        }
    }

    /// The task of a direct handler is cancelled at the deadline too: that must not hide the reason.
    @Test func handlerThatWaitsForAMessageLearnsOfTheDeadline() async throws {
        let (failures, failure) = AsyncStream.makeStream(of: RPCError.Code?.self)
        let read: RawHandler = { request, _ in
            do {
                for try await _ in request.messages {}
                return StreamingServerResponse(single: ServerResponse(message: []))
            } catch {
                failure.yield((error as? RPCError)?.code)
                throw error
            }
        }
        try await withServer(["Read": read]) { _, address in
            _ = try await status(of: "Read", at: address)
            var iterator = failures.makeAsyncIterator()
            #expect(await iterator.next() == .deadlineExceeded)
        }
    }

    /// The status that is the whole answer to a call with a deadline and a request without end. Its client does not watch
    /// the deadline itself.
    private func status(of method: String, at address: TransportAddress) async throws -> String? {
        try await RawHTTP2Client.run(address) { client in
            let stream = try client.open([
                ":method": "POST", ":scheme": "http", ":path": "/\(RawService.name)/\(method)", ":authority": "x",
                "content-type": "application/grpc", "te": "trailers", "grpc-timeout": "20m",
            ])
            guard case .headers(let trailers, true)? = try await stream.next() else { return nil }
            return trailers.fields["grpc-status"]
        }
    }

    /// A handler that answers without reading all of its request makes the client stop sending.
    @Test func earlyAnswerStopsTheRequest() async throws {
        let early: RawHandler = { _, _ in StreamingServerResponse(single: ServerResponse(message: [9])) }
        try await withLoopback(["Early": early]) { client, _ in
            // The request has no end: the call can only end if writing fails.
            let answer = try await client.stream("Early") { writer in
                while true {
                    try await writer.write(Array(repeating: 0, count: 10_000))
                }
            } response: { response in
                try await response.messages.reduce(into: []) { $0.append($1) }
            }
            #expect(answer == [[9]])
        }
    }

    @Test func failingProducerFailsTheCallAndCancelsItOnTheServer() async throws {
        let (outcomes, outcome) = AsyncStream.makeStream(of: RPCError?.self)
        let (messages, message) = AsyncStream.makeStream(of: [UInt8].self)
        let read: RawHandler = { request, _ in
            do {
                for try await received in request.messages {
                    message.yield(received)
                }
                return StreamingServerResponse(single: ServerResponse(message: []))
            } catch {
                outcome.yield(error as? RPCError)
                throw error
            }
        }
        try await withLoopback(["Read": read]) { client, _ in
            let error = await #expect(throws: RPCError.self) {
                try await client.stream("Read") { writer in
                    try await writer.write([1])
                    var iterator = messages.makeAsyncIterator()
                    _ = await iterator.next()
                    throw RPCError(code: .aborted, message: "I cannot go on")
                } response: { response in
                    try await response.messages.reduce(into: []) { $0.append($1) }
                }
            }
            #expect(error?.code == .aborted)
            #expect(error?.message == "I cannot go on")
            var iterator = outcomes.makeAsyncIterator()
            #expect(await iterator.next()??.code == .cancelled)
        }
    }
}
