import GRPCCore
import ServiceKitTestSupport

/// Messages in these tests are plain bytes.
struct RawSerializer: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes {
        Bytes(message)
    }
}

struct RawDeserializer: MessageDeserializer {
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] {
        bytes.withUnsafeBytes { Array($0) }
    }
}

typealias RawHandler =
    @Sendable (StreamingServerRequest<[UInt8]>, ServerContext) async throws -> StreamingServerResponse<[UInt8]>

/// A service made of closures.
struct RawService: RegistrableRPCService {
    static let name = "test.Raw"

    var handlers: [String: RawHandler]

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for (method, handler) in handlers {
            router.registerHandler(
                forMethod: Self.method(method),
                deserializer: RawDeserializer(),
                serializer: RawSerializer(),
                handler: handler
            )
        }
    }

    static func method(_ name: String) -> MethodDescriptor {
        MethodDescriptor(fullyQualifiedService: Self.name, method: name)
    }

    /// All messages of the request.
    static func collect(_ request: StreamingServerRequest<[UInt8]>) async throws -> [[UInt8]] {
        var messages: [[UInt8]] = []
        for try await message in request.messages {
            messages.append(message)
        }
        return messages
    }

    /// Answers the request's message with itself.
    static let echo: RawHandler = { request, _ in
        let request = try await ServerRequest(stream: request)
        return StreamingServerResponse(single: ServerResponse(message: request.message))
    }

    /// Answers the request's message with itself, once a gate is open.
    static func echo(behind gate: Gate) -> RawHandler {
        { request, context in
            try await gate.pass()
            return try await echo(request, context)
        }
    }

    /// Answers each message of the request with itself.
    static let echoEach: RawHandler = { request, _ in
        StreamingServerResponse { writer in
            for try await message in request.messages {
                try await writer.write(message)
            }
            return [:]
        }
    }
}

extension GRPCClient {
    /// A unary call.
    func call(
        _ method: String,
        _ message: [UInt8] = [],
        metadata: Metadata = [:],
        options: CallOptions = .defaults
    ) async throws -> [UInt8] {
        try await response(method, message, metadata: metadata, options: options).message
    }

    /// A unary call, with its metadata.
    func response(
        _ method: String,
        _ message: [UInt8] = [],
        metadata: Metadata = [:],
        options: CallOptions = .defaults
    ) async throws -> ClientResponse<[UInt8]> {
        try await unary(
            request: ClientRequest(message: message, metadata: metadata),
            descriptor: RawService.method(method),
            serializer: RawSerializer(),
            deserializer: RawDeserializer(),
            options: options
        ) { $0 }
    }

    /// A call of any kind.
    func stream<Result: Sendable>(
        _ method: String,
        metadata: Metadata = [:],
        options: CallOptions = .defaults,
        request: @escaping @Sendable (RPCWriter<[UInt8]>) async throws -> Void,
        response: @escaping @Sendable (StreamingClientResponse<[UInt8]>) async throws -> Result
    ) async throws -> Result {
        try await bidirectionalStreaming(
            request: StreamingClientRequest(metadata: metadata, producer: request),
            descriptor: RawService.method(method),
            serializer: RawSerializer(),
            deserializer: RawDeserializer(),
            options: options,
            onResponse: response
        )
    }
}
