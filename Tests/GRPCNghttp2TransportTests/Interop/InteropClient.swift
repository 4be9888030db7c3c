import GRPCCore
import ServiceKitGRPC
import SwiftProtobuf
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The cases of gRPC's interoperability tests, by their names there
/// (https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md).
enum InteropCase: String, CaseIterable, CustomTestStringConvertible {
    case emptyUnary = "empty_unary"
    case largeUnary = "large_unary"
    case clientStreaming = "client_streaming"
    case serverStreaming = "server_streaming"
    case pingPong = "ping_pong"
    case emptyStream = "empty_stream"
    case clientCompressedUnary = "client_compressed_unary"
    case serverCompressedUnary = "server_compressed_unary"
    case clientCompressedStreaming = "client_compressed_streaming"
    case serverCompressedStreaming = "server_compressed_streaming"
    case cancelAfterBegin = "cancel_after_begin"
    case cancelAfterFirstResponse = "cancel_after_first_response"
    case timeoutOnSleepingServer = "timeout_on_sleeping_server"
    case customMetadata = "custom_metadata"
    case statusCodeAndMessage = "status_code_and_message"
    case specialStatusMessage = "special_status_message"
    case unimplementedMethod = "unimplemented_method"
    case unimplementedService = "unimplemented_service"

    var testDescription: String { rawValue }
}

/// The client of gRPC's interoperability tests.
struct InteropClient: Sendable {
    typealias OutputRequest = Grpc_Testing_StreamingOutputCallRequest
    typealias InputRequest = Grpc_Testing_StreamingInputCallRequest
    typealias SimpleRequest = Grpc_Testing_SimpleRequest

    private let service: any Grpc_Testing_TestService.ClientProtocol
    private let unimplemented: any Grpc_Testing_UnimplementedService.ClientProtocol
    /// The number of bytes that the server has sent so far. It shows whether a message came compressed.
    private let receivedBytes: @Sendable () -> Int

    /// The largest size of everything but the payload; a compressed payload of zeros adds next to nothing.
    private static let overhead = 5000

    init(_ client: RawClient, receivedBytes: @escaping @Sendable () -> Int) {
        service = Grpc_Testing_TestService.Client(wrapping: client)
        unimplemented = Grpc_Testing_UnimplementedService.Client(wrapping: client)
        self.receivedBytes = receivedBytes
    }

    /// A client of direct calls.
    init(_ channel: ServiceChannel, receivedBytes: @escaping @Sendable () -> Int) {
        service = DirectTestService(channel: channel)
        unimplemented = DirectUnimplementedService(channel: channel)
        self.receivedBytes = receivedBytes
    }

    func run(_ interopCase: InteropCase) async throws {
        switch interopCase {
        case .emptyUnary: try await emptyUnary()
        case .largeUnary: try await largeUnary()
        case .clientStreaming: try await clientStreaming()
        case .serverStreaming: try await serverStreaming()
        case .pingPong: try await pingPong()
        case .emptyStream: try await emptyStream()
        case .clientCompressedUnary: try await clientCompressedUnary()
        case .serverCompressedUnary: try await serverCompressedUnary()
        case .clientCompressedStreaming: try await clientCompressedStreaming()
        case .serverCompressedStreaming: try await serverCompressedStreaming()
        case .cancelAfterBegin: try await cancelAfterBegin()
        case .cancelAfterFirstResponse: try await cancelAfterFirstResponse()
        case .timeoutOnSleepingServer: try await timeoutOnSleepingServer()
        case .customMetadata: try await customMetadata()
        case .statusCodeAndMessage: try await status("test status message")
        case .specialStatusMessage:
            try await status("\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n", onlyUnary: true)
        case .unimplementedMethod:
            await Self.expect(.unimplemented) { _ = try await service.unimplementedCall(Grpc_Testing_Empty()) }
        case .unimplementedService:
            await Self.expect(.unimplemented) { _ = try await unimplemented.unimplementedCall(Grpc_Testing_Empty()) }
        }
    }

    private static func expect(
        _ code: RPCError.Code,
        _ message: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ call: () async throws -> Void
    ) async {
        do {
            try await call()
            Issue.record("the call did not fail", sourceLocation: sourceLocation)
        } catch {
            let error = error as? RPCError
            #expect(error?.code == code, sourceLocation: sourceLocation)
            if let message {
                #expect(error?.message == message, sourceLocation: sourceLocation)
            }
        }
    }
}

// MARK: - The kinds of calls

extension InteropClient {
    private func emptyUnary() async throws {
        let response = try await service.emptyCall(Grpc_Testing_Empty())
        #expect(response == Grpc_Testing_Empty())
    }

    private static let largeRequest = SimpleRequest.with {
        $0.responseSize = 314_159
        $0.payload = .zeros(271_828)
    }

    private func largeUnary() async throws {
        let response = try await service.unaryCall(Self.largeRequest)
        #expect(response.payload == .zeros(314_159))
    }

    private func clientStreaming() async throws {
        let response = try await service.streamingInputCall { writer in
            for size: Int32 in [27182, 8, 1828, 45904] {
                try await writer.write(.with { $0.payload = .zeros(size) })
            }
        }
        #expect(response.aggregatedPayloadSize == 74922)
    }

    private func serverStreaming() async throws {
        let sizes: [Int32] = [31415, 9, 2653, 58979]
        let request = OutputRequest.with {
            $0.responseParameters = sizes.map { size in .with { $0.size = size } }
        }
        let payloads = try await service.streamingOutputCall(request) { response in
            try await response.messages.reduce(into: [Grpc_Testing_Payload]()) { $0.append($1.payload) }
        }
        #expect(payloads == sizes.map { .zeros($0) })
    }

    private static func request(_ payloadSize: Int32, responseSize: Int32) -> OutputRequest {
        .with {
            $0.responseParameters = [.with { $0.size = responseSize }]
            $0.payload = .zeros(payloadSize)
        }
    }

    private func pingPong() async throws {
        let requests = [
            Self.request(27182, responseSize: 31415), Self.request(8, responseSize: 9),
            Self.request(1828, responseSize: 2653), Self.request(45904, responseSize: 58979),
        ]
        let (answers, answer) = AsyncStream.makeStream(of: Void.self)
        let payloads = try await service.fullDuplexCall { writer in
            var iterator = answers.makeAsyncIterator()
            for request in requests {
                try await writer.write(request)
                await iterator.next()
            }
        } onResponse: { response in
            try await response.messages.reduce(into: [Grpc_Testing_Payload]()) { payloads, message in
                payloads.append(message.payload)
                answer.yield()
            }
        }
        #expect(payloads == [31415, 9, 2653, 58979].map { .zeros($0) })
    }

    private func emptyStream() async throws {
        let responses = try await service.fullDuplexCall { _ in
        } onResponse: { response in
            try await response.messages.reduce(into: [Grpc_Testing_StreamingOutputCallResponse]()) { $0.append($1) }
        }
        #expect(responses.isEmpty)
    }
}

// MARK: - Compression

extension InteropClient {
    private static var compressing: CallOptions {
        var options = CallOptions.defaults
        options.compression = .gzip
        return options
    }

    private func clientCompressedUnary() async throws {
        var request = Self.largeRequest
        request.expectCompressed.value = true
        // Whether the server makes the requested check.
        await Self.expect(.invalidArgument) {
            _ = try await withMessageCompression(false) {
                try await service.unaryCall(request, options: Self.compressing)
            }
        }
        for isCompressed in [true, false] {
            request.expectCompressed.value = isCompressed
            let response = try await withMessageCompression(isCompressed) {
                try await service.unaryCall(request, options: Self.compressing)
            }
            #expect(response.payload == .zeros(314_159))
        }
    }

    private func serverCompressedUnary() async throws {
        for isCompressed in [true, false] {
            var request = Self.largeRequest
            request.responseCompressed.value = isCompressed
            let bytesBefore = receivedBytes()
            let response = try await service.unaryCall(request)
            #expect(response.payload == .zeros(314_159))
            let bytes = receivedBytes() - bytesBefore
            #expect(isCompressed ? bytes < Self.overhead : bytes > 314_159)
        }
    }

    private func clientCompressedStreaming() async throws {
        let sizes: [(Int32, isCompressed: Bool)] = [(27182, true), (45904, false)]
        // Whether the server makes the requested check.
        await Self.expect(.invalidArgument) {
            _ = try await service.streamingInputCall(options: Self.compressing) { writer in
                try await withMessageCompression(false) {
                    try await writer.write(Self.request(27182, isCompressed: true))
                }
            }
        }
        let response = try await service.streamingInputCall(options: Self.compressing) { writer in
            for (size, isCompressed) in sizes {
                try await withMessageCompression(isCompressed) {
                    try await writer.write(Self.request(size, isCompressed: isCompressed))
                }
            }
        }
        #expect(response.aggregatedPayloadSize == 73086)
    }

    private static func request(_ size: Int32, isCompressed: Bool) -> InputRequest {
        .with {
            $0.payload = .zeros(size)
            $0.expectCompressed.value = isCompressed
        }
    }

    private func serverCompressedStreaming() async throws {
        let sizes: [(Int32, isCompressed: Bool)] = [(31415, true), (92653, false)]
        let request = OutputRequest.with {
            $0.responseParameters = sizes.map { size, isCompressed in
                .with {
                    $0.size = size
                    $0.compressed.value = isCompressed
                }
            }
        }
        let bytesBefore = receivedBytes()
        let payloads = try await service.streamingOutputCall(request) { response in
            try await response.messages.reduce(into: [Grpc_Testing_Payload]()) { $0.append($1.payload) }
        }
        #expect(payloads == [.zeros(31415), .zeros(92653)])
        // The second came uncompressed. So the first came compressed.
        let bytes = receivedBytes() - bytesBefore
        #expect((92653..<92653 + Self.overhead).contains(bytes))
    }
}

// MARK: - Calls that end early

extension InteropClient {
    private func cancelAfterBegin() async throws {
        let (begins, began) = AsyncStream.makeStream(of: Void.self)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try await service.streamingInputCall { _ in
                    began.yield()
                    try await untilCancelled()
                }
            }
            var iterator = begins.makeAsyncIterator()
            await iterator.next()
            group.cancelAll()
            await Self.expect(.cancelled) { try await group.next() }
        }
    }

    private func cancelAfterFirstResponse() async throws {
        let (responses, received) = AsyncStream.makeStream(of: Grpc_Testing_Payload.self)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await service.fullDuplexCall { writer in
                    try await writer.write(Self.request(27182, responseSize: 31415))
                    try await untilCancelled()
                } onResponse: { response in
                    for try await message in response.messages {
                        received.yield(message.payload)
                    }
                }
            }
            var iterator = responses.makeAsyncIterator()
            #expect(await iterator.next() == .zeros(31415))
            group.cancelAll()
            await Self.expect(.cancelled) { try await group.next() }
        }
    }

    private func timeoutOnSleepingServer() async throws {
        var options = CallOptions.defaults
        options.timeout = .milliseconds(1)
        await Self.expect(.deadlineExceeded) {
            try await service.fullDuplexCall(options: options) { writer in
                try await writer.write(.with { $0.payload = .zeros(27182) })
                try await untilCancelled()
            } onResponse: { response in
                for try await _ in response.messages {}
            }
        }
    }
}

// MARK: - Metadata and status

extension InteropClient {
    private func customMetadata() async throws {
        let initial: Metadata.Value = "test_initial_metadata_value"
        let trailing = Metadata.Value.binary([0xab, 0xab, 0xab])
        let metadata: Metadata = [Metadata.initialKey: initial, Metadata.trailingKey: trailing]
        let check = { @Sendable (metadata: Metadata, trailingMetadata: Metadata) in
            #expect(Array(metadata[Metadata.initialKey]) == [initial])
            #expect(Array(trailingMetadata[Metadata.trailingKey]) == [trailing])
        }
        try await service.unaryCall(Self.largeRequest, metadata: metadata) { response in
            check(response.metadata, response.trailingMetadata)
        }
        try await service.fullDuplexCall(metadata: metadata) { writer in
            try await writer.write(Self.request(271_828, responseSize: 314_159))
        } onResponse: { response in
            var trailingMetadata: Metadata = [:]
            for try await part in try response.accepted.get().bodyParts {
                if case .trailingMetadata(let metadata) = part { trailingMetadata = metadata }
            }
            check(response.metadata, trailingMetadata)
        }
    }

    private func status(_ message: String, onlyUnary: Bool = false) async throws {
        let status = Grpc_Testing_EchoStatus.with {
            $0.code = 2
            $0.message = message
        }
        await Self.expect(.unknown, message) {
            _ = try await service.unaryCall(.with { $0.responseStatus = status })
        }
        guard !onlyUnary else { return }
        await Self.expect(.unknown, message) {
            try await service.fullDuplexCall { writer in
                try await writer.write(.with { $0.responseStatus = status })
            } onResponse: { response in
                for try await _ in response.messages {}
            }
        }
    }
}
