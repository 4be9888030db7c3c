import BenchmarkSupport
import GRPCCore

/// The methods of ``BenchmarkMethod``, registered the way that generated code does it.
struct BenchmarkService: RegistrableRPCService {
    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: BenchmarkMethod.echo,
            deserializer: RawBytesDeserializer(),
            serializer: RawBytesSerializer()
        ) { request, _ in
            let request = try await ServerRequest(stream: request)
            return StreamingServerResponse(single: ServerResponse(message: request.message))
        }
        router.registerHandler(
            forMethod: BenchmarkMethod.stream,
            deserializer: RawBytesDeserializer(),
            serializer: RawBytesSerializer()
        ) { request, _ in try await Self.stream(request) }
    }

    /// Answers with as many messages as the request wants.
    static func stream(_ request: StreamingServerRequest<[UInt8]>) async throws -> StreamingServerResponse<[UInt8]> {
        let wanted = try StreamRequest(try await ServerRequest(stream: request).message)
        return StreamingServerResponse { writer in
            let message = [UInt8](repeating: UInt8(ascii: "x"), count: wanted.bytes)
            for _ in 0..<wanted.messages {
                try await writer.write(message)
            }
            return [:]
        }
    }
}
