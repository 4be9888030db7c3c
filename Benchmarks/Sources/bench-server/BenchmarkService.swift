import BenchmarkSupport
import Foundation
import GRPCCore
import SwiftProtobuf

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

    /// A stand-in for what a service does: a hash of the message, so often that it takes some 200 µs for 4 KiB.
    static func compute(_ message: Google_Protobuf_BytesValue) -> Google_Protobuf_BytesValue {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        message.value.withUnsafeBytes { bytes in
            for _ in 0..<30 {
                for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            }
        }
        var answer = message
        // The answer depends on the hash, so that it has to be computed.
        answer.value[0] = UInt8(truncatingIfNeeded: hash)
        return answer
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
