#if DEBUG
import GRPCCore

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC

/// The service of the soak, under two names: for calls through GRPCCore, and for direct ones. Messages are bytes.
enum SoakService: RegistrableRPCService {
    case soak

    enum Method: String, CaseIterable {
        case echo, sum, count, chat, hang

        func descriptor(isDirect: Bool) -> MethodDescriptor {
            MethodDescriptor(fullyQualifiedService: isDirect ? "soak.Direct" : "soak.Soak", method: rawValue)
        }
    }

    private typealias Request = StreamingServerRequest<[UInt8]>
    private typealias Response = StreamingServerResponse<[UInt8]>

    private static func answer(_ method: Method, _ request: Request) async throws -> Response {
        switch method {
        case .echo:
            // Answers one message with itself.
            let message = try await ServerRequest(stream: request).message
            return Response(single: ServerResponse(message: message))
        case .sum:
            // Answers messages with the number of their bytes.
            var count = 0
            for try await message in request.messages { count += message.count }
            return Response(single: ServerResponse(message: Array("\(count)".utf8)))
        case .count:
            // Answers a message with as many messages as it says, each as long as itself.
            let message = try await ServerRequest(stream: request).message
            return Response { writer in
                for _ in 0..<Int(message.first ?? 0) { try await writer.write(message) }
                return [:]
            }
        case .chat:
            // Answers each message with itself.
            return Response { writer in
                for try await message in request.messages { try await writer.write(message) }
                return [:]
            }
        case .hang:
            // Answers when the call is given up.
            let (cancellations, cancellation) = AsyncStream.makeStream(of: Never.self)
            await withRPCCancellationHandler {
                for await _ in cancellations {}
            } onCancelRPC: {
                cancellation.finish()
            }
            throw RPCError(code: .cancelled, message: "the call was given up")
        }
    }

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for method in Method.allCases {
            // The router has to have the direct methods as well.
            for isDirect in [false, true] {
                router.registerHandler(
                    forMethod: method.descriptor(isDirect: isDirect), deserializer: SoakBytes(), serializer: SoakBytes()
                ) { request, _ in try await Self.answer(method, request) }
            }
        }
    }

    /// The handlers of the direct methods.
    static var direct: [MethodDescriptor: DirectHandler] {
        var methods = ServiceMethods()
        for method in Method.allCases {
            methods.stream(method.descriptor(isDirect: true), deserializer: SoakBytes(), serializer: SoakBytes()) {
                request, _ in
                try await answer(method, request)
            }
        }
        return methods.handlers
    }
}

/// Messages that are plain bytes.
struct SoakBytes: MessageSerializer, MessageDeserializer {
    func serialize<Buffer: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Buffer { Buffer(message) }

    func deserialize<Buffer: GRPCContiguousBytes>(_ bytes: Buffer) throws -> [UInt8] {
        bytes.withUnsafeBytes { Array($0) }
    }
}
#endif
