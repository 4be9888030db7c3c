import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The server's answers to clients that do not keep to gRPC.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct ServerProtocolTests {
    private static func request(_ fields: KeyValuePairs<String, String>) -> HeaderBlock {
        var request = [
            (":method", "POST"), (":scheme", "http"), (":path", "/\(RawService.name)/Echo"), (":authority", "x"),
            ("content-type", "application/grpc"), ("te", "trailers"),
        ]
        for (name, value) in fields {
            if let index = request.firstIndex(where: { $0.0 == name }) {
                request[index].1 = value
            } else {
                request.append((name, value))
            }
        }
        var block = HeaderBlock()
        for (name, value) in request where !value.isEmpty {
            block.append(name: name, value: value)
        }
        return block
    }

    private static func answer(
        to fields: KeyValuePairs<String, String>,
        config: Nghttp2ServerTransport.Config = .defaults,
        _ message: [UInt8]? = nil
    ) async throws -> [String: String] {
        try await withServer(["Echo": RawService.echo], config: config) { _, address in
            try await RawHTTP2Client.run(address) { client in
                let stream = client.http2.makeStream(deadline: nil)
                defer { stream.reset(.cancel, failure: .cancelled) }
                try stream.send(head: Self.request(fields), prefix: .none, endStream: false)
                if let message {
                    try await stream.send(message: message)
                    try stream.send(end: .data)
                }
                guard case .headers(let block, _)? = try await stream.next() else { return [:] }
                return block.fields
            }
        }
    }

    @Test(arguments: ["text/plain", "application/json", "application/grpc-web", ""])
    func otherContentTypesAreAnsweredWith415(_ type: String) async throws {
        let answer = try await Self.answer(to: ["content-type": type])
        #expect(answer[":status"] == "415")
    }

    @Test func grpcContentTypesAreServed() async throws {
        let answer = try await Self.answer(to: ["content-type": "application/grpc+proto"], [])
        #expect(answer[":status"] == "200")
    }

    @Test(arguments: ["GET", "PUT"])
    func otherMethodsThanPOSTAreAnsweredWith405(_ method: String) async throws {
        let answer = try await Self.answer(to: [":method": method])
        #expect(answer[":status"] == "405")
        #expect(answer["allow"] == "POST")
    }

    @Test(arguments: ["/", "/no-method", "/a/b/c"])
    func pathWithoutAMethodIsUnimplemented(_ path: String) async throws {
        let answer = try await Self.answer(to: [":path": path])
        #expect(answer[":status"] == "200")
        #expect(answer["grpc-status"] == "12")
    }

    @Test func invalidBase64InABinaryHeaderIsAnError() async throws {
        let answer = try await Self.answer(to: ["x-bin": "***"])
        #expect(answer["grpc-status"] == "13")
        #expect(answer["grpc-message"]?.contains("\"x-bin\"") == true)
    }

    /// GRPCCore would trap on the first value and ignore the last. The valid values are long enough for any machine.
    @Test(arguments: [("-1S", "13"), ("1", "13"), ("", "0"), ("99999999u", "0"), ("99999999H", "0")])
    func malformedTimeoutIsRefused(_ timeout: String, _ status: String) async throws {
        try await withServer(["Echo": RawService.echo]) { _, address in
            try await RawHTTP2Client.run(address) { client in
                let stream = client.http2.makeStream(deadline: nil)
                defer { stream.reset(.cancel, failure: .cancelled) }
                try stream.send(head: Self.request(["grpc-timeout": timeout]), prefix: .none)
                try? await stream.send(message: [1])
                try? stream.send(end: .data)
                var last: [String: String] = [:]
                while let part = try await stream.next() {
                    if case .headers(let block, _) = part { last = block.fields }
                }
                #expect(last["grpc-status"] == status)
            }
        }
    }

    @Test func requestMetadataOverTheLimitIsRefused() async throws {
        var config = Nghttp2ServerTransport.Config.defaults
        config.limits.maxHeaderListBytes = 1000
        let isHandled = Shared(false)
        let handler: RawHandler = { request, context in
            isHandled.update { $0 = true }
            return try await RawService.echo(request, context)
        }
        try await withServer(["Echo": handler], config: config) { _, address in
            let fields = (0..<10).map { ("x-\($0)", String(repeating: "x", count: 100)) }
            let bytes = try await Frames.exchange(
                address, Frames.preface + Frames.settings + Frames.request(stream: 1, method: "Echo", fields)
            ) { received in
                // HEADERS that end the stream, then RST_STREAM.
                Frames.summary(received).contains { $0.type == 3 && $0.stream == 1 }
            }
            #expect(Frames.summary(bytes).contains { $0.type == 1 && $0.stream == 1 && $0.flags & 1 == 1 })
            #expect(!isHandled.value)
        }
    }

    /// The error that a handler gets for a request whose framing is broken.
    @Test(arguments: [
        (RPCError.Code.internalError, [1, 0, 0, 0, 1, 9] as [UInt8]),
        (.internalError, [0, 0, 0, 0, 5, 1, 2]),
        (.internalError, [0, 0]),
        (.resourceExhausted, [0, 0xff, 0xff, 0xff, 0xff]),
    ])
    func brokenFramingFailsTheHandlersRead(_ code: RPCError.Code, _ data: [UInt8]) async throws {
        let (errors, error) = AsyncStream.makeStream(of: RPCError?.self)
        let read: RawHandler = { request, _ in
            do {
                return StreamingServerResponse(
                    single: ServerResponse(message: try await RawService.collect(request).flatMap { $0 })
                )
            } catch let failure {
                error.yield(failure as? RPCError)
                throw failure
            }
        }
        try await withServer(["Read": read]) { _, address in
            let request = Frames.request(stream: 1, method: "Read") + Frames.data(stream: 1, data, endStream: true)
            _ = try await Frames.exchange(address, Frames.preface + Frames.settings + request) { received in
                Frames.summary(received).contains { $0.type == 1 && $0.stream == 1 }
            }
            var iterator = errors.makeAsyncIterator()
            #expect(await iterator.next()??.code == code)
        }
    }

    /// Bytes that are not HTTP/2 end their connection, and nothing else.
    @Test(arguments: [
        Array("GET / HTTP/1.1\r\nhost: x\r\n\r\n".utf8),
        Frames.preface + Frames.frame(type: 0, stream: 0, payload: [1]),
    ])
    func garbageEndsOnlyItsConnection(_ bytes: [UInt8]) async throws {
        try await withServer(["Echo": RawService.echo]) { _, address in
            _ = try await Frames.exchange(address, bytes) { _ in false }
            try await withClient(address) { client in
                let answer = try await client.call("Echo", [1])
                #expect(answer == [1])
            }
        }
    }

    /// A request after the final GOAWAY is refused; requests before it are served.
    @Test func requestsAfterTheFinalGoAwayAreRefused() async throws {
        let gate = Gate()
        let wait = RawService.echo(behind: gate)
        try await withServer(["Wait": wait]) { server, address in
            try await RawHTTP2Client.run(address) { client in
                let first = try client.open(method: "Wait")
                try await first.send(message: [1])
                try first.send(end: .data)
                await gate.waitForArrivals()
                server.beginGracefulShutdown()
                try await eventually { server.transport.server.lifecycle.isListenerClosed }
                gate.open()
                var status: String?
                while let part = try await first.next() {
                    if case .headers(let block, true) = part { status = block.fields["grpc-status"] }
                }
                #expect(status == "0")
                try await eventually { client.delegate.closedReason != nil }
                let late = try client.open(method: "Wait")
                let failure = await #expect(throws: StreamFailure.self) { try await late.next() }
                guard case .notProcessed? = failure else {
                    Issue.record("\(String(describing: failure))")
                    return
                }
            }
        }
    }

    /// A client that resets its calls cannot have more than twice as many handlers running as it may have calls open.
    @Test func resetCallsDoNotMultiplyHandlers() async throws {
        var config = Nghttp2ServerTransport.Config.defaults
        config.maxConcurrentCallsPerConnection = 3
        let gate = Gate()
        let running = Shared(0)
        // The handler does not heed its cancellation.
        let stubborn: RawHandler = { request, context in
            running.update { $0 += 1 }
            await gate.passIgnoringCancellation()
            return StreamingServerResponse(single: ServerResponse(message: []))
        }
        try await withServer(["Wait": stubborn], config: config) { _, address in
            try await RawHTTP2Client.run(address) { client in
                var refused = 0
                for index in 0..<10 {
                    let stream = try client.open(method: "Wait")
                    if index < 6 {
                        try await eventually { running.value == index + 1 }
                        stream.reset(.cancel, failure: .cancelled)
                    } else {
                        let failure = await #expect(throws: StreamFailure.self) {
                            try await stream.next()
                        }
                        if case .peerRefused? = failure { refused += 1 }
                    }
                }
                #expect(refused == 4)
                #expect(running.value == 6)
            }
            gate.open()
        }
    }
}
