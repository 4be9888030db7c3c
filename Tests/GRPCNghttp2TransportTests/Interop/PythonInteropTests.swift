import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Against the C core of gRPC, by way of Python.
@Suite(
    .bothPaths,
    .enabled(if: PythonPeer.isAvailable, "KIT_TEST_PYTHON names no Python with grpcio; `make test` sets it"),
    .timeLimit(.minutes(1))
)
struct PythonInteropTests {
    private static let unicode = "größer ☃ 100%\nline"
    private static let allBytes = Array(UInt8.min...UInt8.max)
    private static let metadata: Metadata = [
        "text": "a value", "text": "another", "all-bin": .binary(allBytes), "empty-bin": .binary([]),
    ]

    private static func own(_ metadata: Metadata) -> Metadata {
        Metadata(metadata.filter { ["text", "all-bin", "empty-bin"].contains($0.key) })
    }

    // MARK: A client in Python

    /// The methods of the server in Python.
    private static func handlers() -> [String: RawHandler] {
        let (cancellations, cancelled) = AsyncStream.makeStream(of: Void.self)
        return [
            "Echo": RawService.echo,
            "EchoEach": RawService.echoEach,
            "Join": { request, _ in
                let messages = try await RawService.collect(request)
                return StreamingServerResponse(single: ServerResponse(message: messages.flatMap { $0 }))
            },
            "Split": { request, _ in
                let message = try await ServerRequest(stream: request).message
                return StreamingServerResponse { writer in
                    for byte in message {
                        try await writer.write([byte])
                    }
                    return [:]
                }
            },
            "Reflect": { request, _ in
                let metadata = Self.own(request.metadata)
                return StreamingServerResponse(metadata: metadata) { writer in
                    try await writer.write([])
                    return metadata
                }
            },
            "Fail": { _, _ in
                throw RPCError(
                    code: .notFound, message: Self.unicode, metadata: ["detail-bin": .binary(Self.allBytes)]
                )
            },
            "Padded": { _, _ in
                throw RPCError(code: .notFound, message: "user not found: ", metadata: ["x-note": " padded "])
            },
            "Note": { request, _ in
                let note = request.metadata[stringValues: "x-note"].first { _ in true } ?? ""
                return StreamingServerResponse(single: ServerResponse(message: Array(note.utf8)))
            },
            "Wait": { _, context in
                StreamingServerResponse { _ in
                    try await context.cancellation.cancelled
                    cancelled.yield()
                    throw CancellationError()
                }
            },
            "AwaitCancelled": { _, _ in
                var iterator = cancellations.makeAsyncIterator()
                let message = await iterator.next() == nil ? "no" : "yes"
                return StreamingServerResponse(single: ServerResponse(message: Array(message.utf8)))
            },
        ]
    }

    // Several processes of Python at a time would make the timed checks late.
    @Test(
        .serialized,
        arguments: [
            "echo", "client_streaming", "server_streaming", "bidirectional_streaming", "metadata", "error",
            "padded", "authorities", "unknown_method", "deadline", "cancellation", "large_messages",
            "message_over_the_limit", "compression",
            "many_calls",
        ])
    func pythonClientChecksTheSwiftServer(_ check: String) async throws {
        try await withServer(Self.handlers()) { _, address in
            try await PythonPeer.raw.check(check, of: address)
        }
    }

    // MARK: A server in Python

    private static func withPythonServer(_ body: (any RawCaller) async throws -> Void) async throws {
        try await PythonPeer.raw.withServer { address in
            try await withCaller(address, body)
        }
    }

    @Test func allKindsOfCallsWorkAgainstPython() async throws {
        try await Self.withPythonServer { client in
            let echo = try await client.call("Echo", [1, 2, 3])
            #expect(echo == [1, 2, 3])

            let join = try await client.stream("Join") { writer in
                for byte in Self.allBytes {
                    try await writer.write([byte])
                }
            } response: { response in
                try await response.messages.reduce(into: []) { $0.append($1) }
            }
            #expect(join == [Self.allBytes])

            let split = try await client.stream("Split") { writer in
                try await writer.write(Self.allBytes)
            } response: { response in
                try await response.messages.reduce(into: [UInt8]()) { $0 += $1 }
            }
            #expect(split == Self.allBytes)

            let (answers, answered) = AsyncStream.makeStream(of: UInt8.self)
            let last = try await client.stream("EchoEach") { writer in
                try await writer.write([0])
                for await answer in answers where answer < 100 {
                    try await writer.write([answer + 1])
                }
            } response: { response in
                var last: UInt8 = 0
                for try await message in response.messages {
                    last = message[0]
                    answered.yield(last)
                    if last == 100 { answered.finish() }
                }
                return last
            }
            #expect(last == 100)
        }
    }

    @Test func metadataTravelsToPythonAndBack() async throws {
        try await Self.withPythonServer { client in
            let response = try await client.response("Reflect", metadata: Self.metadata)
            #expect(Self.own(response.metadata) == Self.metadata)
            #expect(Self.own(response.trailingMetadata) == Self.metadata)
        }
    }

    @Test(arguments: [CompressionAlgorithm.gzip, .deflate])
    func compressedMessagesTravelToPythonAndBack(_ algorithm: CompressionAlgorithm) async throws {
        try await Self.withPythonServer { client in
            let message = Array(repeating: Self.allBytes, count: 100).flatMap { $0 }
            var options = CallOptions.defaults
            options.compression = algorithm
            let answer = try await client.call("Echo", message, options: options)
            #expect(answer == message)
        }
    }

    @Test func statusAndTrailersOfPythonArrive() async throws {
        try await Self.withPythonServer { client in
            let error = await #expect(throws: RPCError.self) { try await client.call("Fail") }
            #expect(error?.code == .notFound)
            #expect(error?.message == Self.unicode)
            #expect(error.map { Array($0.metadata[binaryValues: "detail-bin"]) } == [Self.allBytes])
            let unknown = await #expect(throws: RPCError.self) { try await client.call("Nothing") }
            #expect(unknown?.code == .unimplemented)
        }
    }

    /// The core of gRPC keeps white space at the ends of values.
    @Test func whiteSpaceAroundPythonsValuesIsDropped() async throws {
        try await Self.withPythonServer { client in
            let error = await #expect(throws: RPCError.self) { try await client.call("Padded") }
            #expect(error?.code == .notFound)
            #expect(error?.message == "user not found:")
            #expect(error.map { Array($0.metadata[stringValues: "x-note"]) } == ["padded"])
            let note = try await client.call("Note", metadata: ["x-note": " padded "])
            #expect(note == Array("padded".utf8))
        }
    }

    @Test func largeMessagesTravelToPythonAndBack() async throws {
        try await Self.withPythonServer { client in
            let message = Array(repeating: Self.allBytes, count: 12 * 1024).flatMap { $0 }
            let answer = try await client.call("Echo", message)
            #expect(answer == message)
        }
    }

    /// The server sees that a call is given up, by its deadline or by its caller.
    @Test(arguments: [true, false])
    func pythonServerSeesACancelledCall(byDeadline: Bool) async throws {
        try await Self.withPythonServer { client in
            _ = try await client.call("Echo")
            let (starts, started) = AsyncStream.makeStream(of: Void.self)
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var options = CallOptions.defaults
                    // Long enough for the call to reach the server.
                    options.timeout = byDeadline ? .seconds(5) : nil
                    try await client.stream("Wait", options: options) { _ in
                        try await untilCancelled()
                    } response: { response in
                        started.yield()
                        for try await _ in response.messages {}
                    }
                }
                if !byDeadline {
                    var iterator = starts.makeAsyncIterator()
                    await iterator.next()
                    group.cancelAll()
                }
                let error = await #expect(throws: RPCError.self) { try await group.next() }
                #expect(error?.code == (byDeadline ? .deadlineExceeded : .cancelled))
            }
            let seen = try await client.call("AwaitCancelled")
            #expect(seen == Array("yes".utf8))
        }
    }
}
