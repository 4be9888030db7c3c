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
