import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Compression from a client to a server and back.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct CompressionTests {
    private static let message = (0..<5000).map { UInt8(truncatingIfNeeded: $0 / 50) }

    private static func options(_ algorithm: CompressionAlgorithm) -> CallOptions {
        var options = CallOptions.defaults
        options.compression = algorithm
        return options
    }

    /// Answers like `echo`, and records which messages came compressed.
    private static func echo(noting compressed: Shared<[Bool]>) -> RawHandler {
        { request, context in
            let transport = try #require(context.transportSpecific as? Nghttp2ServerTransport.Context)
            return StreamingServerResponse { writer in
                for try await message in request.messages {
                    compressed.update { $0.append(transport.receivedMessageWasCompressed) }
                    try await writer.write(message)
                }
                return [:]
            }
        }
    }

    @Test func requestAndResponseAreCompressedIndependently() async throws {
        for request in [CompressionAlgorithm.none, .gzip, .deflate] {
            for response in [CompressionAlgorithm.none, .gzip, .deflate] {
                let compressed = Shared<[Bool]>([])
                let server = Nghttp2ServerTransport.Config.defaults { $0.compression.algorithm = response }
                try await withLoopback(["Echo": Self.echo(noting: compressed)], server: server) { client, _ in
                    let answer = try await client.call("Echo", Self.message, options: Self.options(request))
                    #expect(answer == Self.message)
                }
                #expect(compressed.value == [request != .none], "\(request), \(response)")
            }
        }
    }

    @Test func compressedMessagesOfAllSizesArrive() async throws {
        let sizes = [0, 1, 16, 17, 100, 5000, 70_000, 1_000_000, 3]
        let server = Nghttp2ServerTransport.Config.defaults { $0.compression.algorithm = .gzip }
        try await withLoopback(["Echo": RawService.echoEach], server: server) { client, _ in
            let answers = try await client.stream("Echo", options: Self.options(.deflate)) { writer in
                for size in sizes {
                    try await writer.write((0..<size).map { UInt8(truncatingIfNeeded: $0 / 7) })
                }
            } response: { response in
                try await response.messages.reduce(into: [Int]()) { sizes, message in
                    #expect(message == (0..<message.count).map { UInt8(truncatingIfNeeded: $0 / 7) })
                    sizes.append(message.count)
                }
            }
            #expect(answers == sizes)
        }
    }

    @Test func messageCompressionOffAppliesToOneMessage() async throws {
        let compressed = Shared<[Bool]>([])
        try await withLoopback(["Echo": Self.echo(noting: compressed)]) { client, _ in
            let count = try await client.stream("Echo", options: Self.options(.gzip)) { writer in
                try await writer.write(Self.message)
                try await withMessageCompression(false) { try await writer.write(Self.message) }
                try await writer.write(Self.message)
            } response: { response in
                try await response.messages.reduce(0) { count, message in
                    #expect(message == Self.message)
                    return count + 1
                }
            }
            #expect(count == 3)
        }
        #expect(compressed.value == [true, false, true])
    }

    /// For a unary call, it stands around the call.
    @Test func messageCompressionOffAppliesToAUnaryCall() async throws {
        let compressed = Shared<[Bool]>([])
        try await withLoopback(["Echo": Self.echo(noting: compressed)]) { client, _ in
            let answer = try await withMessageCompression(false) {
                try await client.call("Echo", Self.message, options: Self.options(.gzip))
            }
            #expect(answer == Self.message)
        }
        #expect(compressed.value == [false])
    }

    @Test func clientThatAcceptsNoEncodingGetsPlainMessages() async throws {
        let server = Nghttp2ServerTransport.Config.defaults { $0.compression.algorithm = .gzip }
        let client = Nghttp2ClientTransport.Config.defaults { $0.compression.enabledAlgorithms = .none }
        try await withLoopback(["Echo": RawService.echo], server: server, client: client) { client, _ in
            let answer = try await client.call("Echo", Self.message)
            #expect(answer == Self.message)
        }
    }

    @Test func serverRefusesAnUnacceptedEncodingAndNamesOthers() async throws {
        let isHandled = Shared(false)
        let handler: RawHandler = { request, context in
            isHandled.update { $0 = true }
            return try await RawService.echo(request, context)
        }
        let server = Nghttp2ServerTransport.Config.defaults { $0.compression.enabledAlgorithms = [.deflate] }
        try await withLoopback(["Echo": handler], server: server) { client, _ in
            let error = await #expect(throws: RPCError.self) {
                try await client.call("Echo", Self.message, options: Self.options(.gzip))
            }
            #expect(error?.code == .unimplemented)
            #expect(error?.message.contains("\"gzip\"") == true)
            #expect(error?.message.contains("identity,deflate") == true, "the error names the alternatives")
            #expect(!isHandled.value)
            let answer = try await client.call("Echo", Self.message, options: Self.options(.deflate))
            #expect(answer == Self.message)
        }
    }

    // MARK: Sizes

    @Test func decompressedRequestOverTheLimitIsRefused() async throws {
        let server = Nghttp2ServerTransport.Config.defaults { $0.maxMessageBytes = 10_000 }
        try await withLoopback(["Echo": RawService.echo], server: server) { client, _ in
            let error = await #expect(throws: RPCError.self) {
                try await client.call("Echo", Array(repeating: 0, count: 1_000_000), options: Self.options(.gzip))
            }
            #expect(error?.code == .resourceExhausted)
            // The limit is on the size of the message, not on its compressed size.
            let answer = try await client.call("Echo", Self.message, options: Self.options(.gzip))
            #expect(answer == Self.message)
        }
    }

    @Test func decompressedResponseOverTheLimitIsRefused() async throws {
        let server = Nghttp2ServerTransport.Config.defaults { $0.compression.algorithm = .deflate }
        let client = Nghttp2ClientTransport.Config.defaults { $0.maxMessageBytes = 10_000 }
        try await withLoopback(["Echo": RawService.echo], server: server, client: client) { client, _ in
            let error = await #expect(throws: RPCError.self) {
                try await client.call("Echo", Array(repeating: 0, count: 1_000_000))
            }
            #expect(error?.code == .resourceExhausted)
            let answer = try await client.call("Echo", Self.message)
            #expect(answer == Self.message)
        }
    }

    /// A limit of one call, below the transport's limit.
    @Test func responseOverTheCallsLimitIsRefused() async throws {
        let server = Nghttp2ServerTransport.Config.defaults { $0.compression.algorithm = .gzip }
        try await withLoopback(["Echo": RawService.echo], server: server) { client, _ in
            var options = CallOptions.defaults
            options.maxResponseMessageBytes = 4999
            let limited = options
            let error = await #expect(throws: RPCError.self) {
                try await client.call("Echo", Self.message, options: limited)
            }
            #expect(error?.code == .resourceExhausted)
            options.maxResponseMessageBytes = 5000
            let answer = try await client.call("Echo", Self.message, options: options)
            #expect(answer == Self.message)
        }
    }

    @Test func requestOverTheSendLimitIsRefused() async throws {
        let client = Nghttp2ClientTransport.Config.defaults { $0.maxSendMessageBytes = 5000 }
        try await withLoopback(["Echo": RawService.echo], client: client) { client, _ in
            for algorithm in [CompressionAlgorithm.none, .gzip] {
                let error = await #expect(throws: RPCError.self) {
                    try await client.call("Echo", Self.message + [0], options: Self.options(algorithm))
                }
                #expect(error?.code == .resourceExhausted)
                #expect(error?.message == "the message takes 5001 bytes where 5000 are allowed")
                let answer = try await client.call("Echo", Self.message, options: Self.options(algorithm))
                #expect(answer == Self.message)
            }
        }
    }

    @Test func responseOverTheSendLimitIsRefused() async throws {
        let server = Nghttp2ServerTransport.Config.defaults { $0.maxSendMessageBytes = 5000 }
        try await withLoopback(["Echo": RawService.echo], server: server) { client, _ in
            let error = await #expect(throws: RPCError.self) { try await client.call("Echo", Self.message + [0]) }
            #expect(error?.code == .resourceExhausted)
            let answer = try await client.call("Echo", Self.message)
            #expect(answer == Self.message)
        }
    }

    @Test func concurrentCompressedCallsGetTheirOwnAnswers() async throws {
        let server = Nghttp2ServerTransport.Config.defaults { $0.compression.algorithm = .gzip }
        try await withLoopback(["Echo": RawService.echo], server: server) { client, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        let message = Array(repeating: UInt8(index), count: 100 + 50 * index)
                        let options = Self.options([.none, .gzip, .deflate][index % 3])
                        let answer = try await client.call("Echo", message, options: options)
                        #expect(answer == message)
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
