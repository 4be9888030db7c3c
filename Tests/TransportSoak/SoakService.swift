import GRPCCore

/// The service of the soak. Messages are bytes.
struct SoakService: RegistrableRPCService {
    static func method(_ name: String) -> MethodDescriptor {
        MethodDescriptor(fullyQualifiedService: "soak.Soak", method: name)
    }

    static let echo = Self.method("Echo")
    static let sum = Self.method("Sum")
    static let count = Self.method("Count")
    static let chat = Self.method("Chat")
    static let hang = Self.method("Hang")

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        // Answers one message with itself.
        router.register(Self.echo) { request in
            let message = try await ServerRequest(stream: request).message
            return StreamingServerResponse(single: ServerResponse(message: message))
        }
        // Answers messages with the number of their bytes.
        router.register(Self.sum) { request in
            var count = 0
            for try await message in request.messages { count += message.count }
            return StreamingServerResponse(single: ServerResponse(message: Array("\(count)".utf8)))
        }
        // Answers a message with as many messages as it says, each as long as itself.
        router.register(Self.count) { request in
            let message = try await ServerRequest(stream: request).message
            return StreamingServerResponse { writer in
                for _ in 0..<Int(message.first ?? 0) { try await writer.write(message) }
                return [:]
            }
        }
        // Answers each message with itself.
        router.register(Self.chat) { request in
            StreamingServerResponse { writer in
                for try await message in request.messages { try await writer.write(message) }
                return [:]
            }
        }
        // Answers when the call is given up.
        router.register(Self.hang) { _ in
            let (cancellations, cancellation) = AsyncStream.makeStream(of: Never.self)
            await withRPCCancellationHandler {
                for await _ in cancellations {}
            } onCancelRPC: {
                cancellation.finish()
            }
            throw RPCError(code: .cancelled, message: "the call was given up")
        }
    }
}

extension RPCRouter {
    fileprivate mutating func register(
        _ method: MethodDescriptor,
        _ handler:
            @escaping @Sendable (StreamingServerRequest<[UInt8]>) async throws -> StreamingServerResponse<[UInt8]>
    ) {
        registerHandler(forMethod: method, deserializer: Bytes(), serializer: Bytes()) { request, _ in
            try await handler(request)
        }
    }
}

/// Messages that are plain bytes.
struct Bytes: MessageSerializer, MessageDeserializer {
    func serialize<Buffer: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Buffer { Buffer(message) }

    func deserialize<Buffer: GRPCContiguousBytes>(_ bytes: Buffer) throws -> [UInt8] {
        bytes.withUnsafeBytes { Array($0) }
    }
}
