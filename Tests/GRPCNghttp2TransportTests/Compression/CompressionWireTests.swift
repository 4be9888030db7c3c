import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The compression of a server's responses, seen on the wire.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct ResponseCompressionTests {
    private static let message = Array(repeating: 7 as UInt8, count: 1000)
    private static let noise: [UInt8] = {
        var generator = SeededGenerator(seed: 3)
        return (0..<1000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }()

    private struct Answer {
        var head: [String: String] = [:]
        var messages: [(bytes: [UInt8], isCompressed: Bool)] = []
        var trailers: [String: String] = [:]
    }

    private static func config(_ algorithm: CompressionAlgorithm = .none) -> Nghttp2ServerTransport.Config {
        .defaults { $0.compression.algorithm = algorithm }
    }

    /// Answers with these messages.
    private static func handler(
        _ messages: [[UInt8]],
        setting algorithm: CompressionAlgorithm? = nil,
        compressing: Bool = true
    ) -> RawHandler {
        { request, context in
            for try await _ in request.messages {}
            if let algorithm {
                let context = try #require(context.transportSpecific as? Nghttp2ServerTransport.Context)
                context.setResponseCompression(algorithm)
            }
            return StreamingServerResponse { writer in
                for message in messages {
                    try await withMessageCompression(compressing) { try await writer.write(message) }
                }
                return [:]
            }
        }
    }

    /// Calls like a client that accepts these encodings.
    private static func answer(
        accepting acceptEncoding: String?,
        config: Nghttp2ServerTransport.Config,
        _ handler: @escaping RawHandler
    ) async throws -> Answer {
        try await withServer(["Any": handler], config: config) { _, address in
            try await RawHTTP2Client.run(address) { client in
                var head = HeaderBlock([
                    ":method": "POST", ":scheme": "http", ":path": "/\(RawService.name)/Any", ":authority": "x",
                    "content-type": "application/grpc", "te": "trailers",
                ])
                if let acceptEncoding { head.append(name: "grpc-accept-encoding", value: acceptEncoding) }
                let stream = client.http2.makeStream(deadline: nil)
                stream.readsMessages()
                defer { stream.reset(.cancel, failure: .cancelled) }
                try stream.send(head: head, prefix: .none)
                // A handler that does not read its request may have answered by now.
                try? stream.send(end: .data)
                var answer = Answer()
                while let part = try await stream.next() {
                    switch part {
                    case .headers(let block, endStream: false): answer.head = block.fields
                    case .headers(let block, endStream: true): answer.trailers = block.fields
                    case .body(let piece): answer.messages.append((piece.bytes, piece.isCompressed))
                    }
                }
                #expect(answer.trailers["grpc-status"] == "0")
                return answer
            }
        }
    }

    @Test(arguments: [("gzip", MessageEncoding.gzip), ("deflate", .deflate)])
    func configuredAlgorithmCompressesResponses(_ name: String, _ encoding: MessageEncoding) async throws {
        let algorithm: CompressionAlgorithm = encoding == .gzip ? .gzip : .deflate
        let answer = try await Self.answer(
            accepting: "identity,deflate,gzip", config: Self.config(algorithm),
            Self.handler([Self.message, Self.message])
        )
        #expect(answer.head["grpc-encoding"] == name)
        #expect(answer.messages.map(\.isCompressed) == [true, true])
        for message in answer.messages {
            #expect(try Zlib.decompress(message.bytes, encoding, limit: 1000) == Self.message)
        }
    }

    @Test func responsesAreNotCompressedByDefault() async throws {
        let answer = try await Self.answer(
            accepting: "gzip", config: .defaults, Self.handler([Self.message])
        )
        #expect(answer.head["grpc-encoding"] == nil)
        #expect(
            answer.head["grpc-accept-encoding"] == "identity,deflate,gzip", "it announces the encodings that it reads")
        #expect(answer.messages.map(\.bytes) == [Self.message])
        #expect(answer.messages.map(\.isCompressed) == [false])
    }

    @Test(arguments: [nil, "", "identity", "deflate", "br"])
    func responseIsPlainForAClientThatDoesNotAcceptTheEncoding(_ acceptEncoding: String?) async throws {
        let answer = try await Self.answer(
            accepting: acceptEncoding, config: Self.config(.gzip), Self.handler([Self.message])
        )
        #expect(answer.head["grpc-encoding"] == nil)
        #expect(answer.messages.map(\.bytes) == [Self.message])
        #expect(answer.messages.map(\.isCompressed) == [false])
    }

    @Test func handlerChoosesTheResponsesCompression() async throws {
        let on = try await Self.answer(
            accepting: "gzip,deflate", config: .defaults, Self.handler([Self.message], setting: .deflate)
        )
        #expect(on.head["grpc-encoding"] == "deflate")
        #expect(on.messages.map(\.isCompressed) == [true])
        let off = try await Self.answer(
            accepting: "gzip", config: Self.config(.gzip),
            Self.handler([Self.message], setting: CompressionAlgorithm.none)
        )
        #expect(off.head["grpc-encoding"] == nil)
        #expect(off.messages.map(\.isCompressed) == [false])
    }

    @Test func handlersUnacceptedChoiceKeepsTheConfiguredEncoding() async throws {
        let answer = try await Self.answer(
            accepting: "gzip", config: Self.config(.gzip), Self.handler([Self.message], setting: .deflate)
        )
        #expect(answer.head["grpc-encoding"] == "gzip")
        #expect(answer.messages.map(\.isCompressed) == [true])
    }

    @Test func handlersChoiceAfterTheFirstMessageIsIgnored() async throws {
        let late: RawHandler = { request, context in
            let context = try #require(context.transportSpecific as? Nghttp2ServerTransport.Context)
            return StreamingServerResponse { writer in
                try await writer.write(Self.message)
                context.setResponseCompression(.deflate)
                try await writer.write(Self.message)
                return [:]
            }
        }
        let answer = try await Self.answer(accepting: "gzip,deflate", config: Self.config(.gzip), late)
        #expect(answer.head["grpc-encoding"] == "gzip")
        for message in answer.messages {
            #expect(message.isCompressed)
            #expect(try Zlib.decompress(message.bytes, .gzip, limit: 1000) == Self.message)
        }
    }

    @Test func oneResponseMessageCanBeSentUncompressed() async throws {
        let mixed: RawHandler = { _, _ in
            StreamingServerResponse { writer in
                try await writer.write(Self.message)
                try await withMessageCompression(false) {
                    try await writer.write(Self.message)
                    try await withMessageCompression(true) { try await writer.write(Self.message) }
                }
                try await writer.write(Self.message)
                return [:]
            }
        }
        let answer = try await Self.answer(accepting: "gzip", config: Self.config(.gzip), mixed)
        #expect(answer.messages.map(\.isCompressed) == [true, false, true, true])
        #expect(answer.messages[1].bytes == Self.message)
    }

    @Test func incompressibleResponseMessageIsSentUncompressed() async throws {
        let answer = try await Self.answer(
            accepting: "gzip", config: Self.config(.gzip), Self.handler([[], [1], Self.noise, Self.message])
        )
        #expect(answer.messages.map(\.isCompressed) == [false, false, false, true])
        #expect(answer.messages.prefix(3).map(\.bytes) == [[], [1], Self.noise])
    }

    @Test func withMessageCompressionReturnsAndThrowsLikeItsBody() async {
        struct Failure: Error, Equatable {}
        let value = await withMessageCompression(false) { 5 }
        #expect(value == 5)
        await #expect(throws: Failure()) {
            try await withMessageCompression(true) { throw Failure() }
        }
    }
}

/// The compression of a client's requests, seen on the wire, and of the responses that it reads.
@Suite(.timeLimit(.minutes(1)))
struct RequestCompressionTests {
    private static let message = Array(repeating: 7 as UInt8, count: 1000)

    /// The head and the messages of a client's request.
    private static func request(
        config: Nghttp2ClientTransport.Config = .defaults,
        options: CallOptions = .defaults,
        _ write: @escaping @Sendable (RPCWriter<[UInt8]>) async throws -> Void
    ) async throws -> (head: [String: String], messages: [(bytes: [UInt8], isCompressed: Bool)]) {
        let (streams, opened) = AsyncStream.makeStream(of: (HTTP2Stream, HeaderBlock?).self)
        return try await RawHTTP2Server.run(onStream: { opened.yield(($0, $1)) }) { server in
            try await withClient(server.address, config: config) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await client.stream("Any", options: options, request: write) { response in
                            for try await _ in response.messages {}
                        }
                    }
                    var iterator = streams.makeAsyncIterator()
                    let (stream, head) = try #require(await iterator.next())
                    var messages: [(bytes: [UInt8], isCompressed: Bool)] = []
                    while case .body(let piece)? = try await stream.next() {
                        messages.append((piece.bytes, piece.isCompressed))
                    }
                    try stream.send(head: HeaderBlock([HeaderName.status: "0"]), prefix: .common, endStream: true)
                    try await group.waitForAll()
                    return (head?.fields ?? [:], messages)
                }
            }
        }
    }

    @Test func callOptionCompressesTheRequest() async throws {
        for (algorithm, encoding) in [(CompressionAlgorithm.gzip, MessageEncoding.gzip), (.deflate, .deflate)] {
            var options = CallOptions.defaults
            options.compression = algorithm
            let (head, messages) = try await Self.request(options: options) { try await $0.write(Self.message) }
            #expect(head["grpc-encoding"] == "\(encoding.name)")
            #expect(head["grpc-accept-encoding"] == "identity,deflate,gzip")
            #expect(messages.map(\.isCompressed) == [true])
            let bytes = try #require(messages.first?.bytes)
            #expect(try Zlib.decompress(bytes, encoding, limit: 1000) == Self.message)
        }
    }

    @Test func configuredAlgorithmCompressesRequests() async throws {
        let config = Nghttp2ClientTransport.Config.defaults {
            $0.compression.algorithm = .gzip
            $0.compression.enabledAlgorithms = [.deflate]
        }
        let (head, messages) = try await Self.request(config: config) { try await $0.write(Self.message) }
        #expect(head["grpc-encoding"] == "gzip")
        #expect(head["grpc-accept-encoding"] == "identity,deflate", "the encodings that it reads are another option")
        #expect(messages.map(\.isCompressed) == [true])
        // The option of the call overrides the configuration.
        var options = CallOptions.defaults
        options.compression = CompressionAlgorithm.none
        let (plainHead, plain) = try await Self.request(config: config, options: options) {
            try await $0.write(Self.message)
        }
        #expect(plainHead["grpc-encoding"] == nil)
        #expect(plain.map(\.bytes) == [Self.message])
    }

    @Test func oneRequestMessageCanBeSentUncompressed() async throws {
        var options = CallOptions.defaults
        options.compression = .gzip
        let (_, messages) = try await Self.request(options: options) { writer in
            try await writer.write(Self.message)
            try await withMessageCompression(false) { try await writer.write(Self.message) }
            try await writer.write([1])
        }
        #expect(messages.map(\.isCompressed) == [true, false, false])
        #expect(messages[1].bytes == Self.message)
    }

    // MARK: Responses

    /// The answer to a call whose response names this encoding and has one compressed message.
    private static func answer(
        encoding: String?,
        _ bytes: [UInt8],
        config: Nghttp2ClientTransport.Config = .defaults
    ) async throws -> [UInt8] {
        let (streams, opened) = AsyncStream.makeStream(of: HTTP2Stream.self)
        return try await RawHTTP2Server.run(onStream: { stream, _ in opened.yield(stream) }) { server in
            try await withClient(server.address, config: config) { client in
                try await withThrowingTaskGroup(of: [UInt8].self) { group in
                    group.addTask { try await client.call("Any") }
                    var iterator = streams.makeAsyncIterator()
                    let stream = try #require(await iterator.next())
                    var head = HeaderBlock()
                    if let encoding { head.append(name: "grpc-encoding", value: encoding) }
                    try stream.send(head: head, prefix: .common)
                    // The client may have given up by now, on reading the head.
                    try? await stream.send(BodyPiece(message: bytes, isCompressed: true))
                    try? stream.send(end: .trailers(HeaderBlock([HeaderName.status: "0"])))
                    return try await group.next() ?? []
                }
            }
        }
    }

    private static func failure(
        encoding: String?,
        _ bytes: [UInt8],
        config: Nghttp2ClientTransport.Config = .defaults
    ) async throws -> RPCError {
        let error = await #expect(throws: RPCError.self) {
            try await Self.answer(encoding: encoding, bytes, config: config)
        }
        return try #require(error)
    }

    @Test func compressedResponseIsRead() async throws {
        let bytes = try #require(Zlib.compress(Self.message, .gzip))
        #expect(try await Self.answer(encoding: "gzip", bytes) == Self.message)
    }

    @Test func compressedResponseWithoutAnEncodingHeaderFailsTheCall() async throws {
        let bytes = try #require(Zlib.compress(Self.message, .gzip))
        for encoding in [nil, "identity"] {
            let error = try await Self.failure(encoding: encoding, bytes)
            #expect(error.code == .internalError)
            #expect(error.message.contains("did not say how it is compressed"))
        }
    }

    @Test func responseInAnUnknownEncodingFailsTheCall() async throws {
        let error = try await Self.failure(encoding: "br", [1, 2, 3])
        #expect(error.code == .internalError)
        #expect(error.message.contains("\"br\""))
    }

    @Test func responseInAnUnacceptedEncodingFailsTheCall() async throws {
        let bytes = try #require(Zlib.compress(Self.message, .gzip))
        let config = Nghttp2ClientTransport.Config.defaults { $0.compression.enabledAlgorithms = [.deflate] }
        let error = try await Self.failure(encoding: "gzip", bytes, config: config)
        #expect(error.code == .internalError)
        #expect(error.message.contains("\"gzip\""))
    }

    @Test func corruptCompressedResponseFailsTheCall() async throws {
        let bytes = try #require(Zlib.compress(Self.message, .gzip))
        for broken in [bytes.dropLast(), [], bytes + [0]] as [[UInt8]] {
            let error = try await Self.failure(encoding: "gzip", broken)
            #expect(error.code == .internalError)
        }
    }

    @Test func decompressedResponseOverTheLimitFailsTheCall() async throws {
        let bomb = try #require(Zlib.compress(Array(repeating: 0, count: 1_000_000), .gzip))
        let config = Nghttp2ClientTransport.Config.defaults { $0.maxMessageBytes = 10_000 }
        let error = try await Self.failure(encoding: "gzip", bomb, config: config)
        #expect(error.code == .resourceExhausted)
        #expect(error.message.contains("10000"))
    }
}
