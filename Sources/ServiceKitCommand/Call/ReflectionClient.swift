import GRPCCore
import GRPCProtobuf
import ServiceKitGRPC
import ServiceKitProtobuf
import SwiftProtobuf

/// Asks a server for its services: with `grpc.reflection.v1`, or with `v1alpha` if the server has only that.
struct ReflectionClient<Transport: ClientTransport>: Sendable {
    /// The largest number of rounds for imports, and of files.
    private static var maxRounds: Int { 100 }
    private static var maxFiles: Int { 10_000 }

    typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
    typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

    let client: GRPCClient<Transport>
    /// The name of the server in errors.
    let peer: String
    let deadline: ContinuousClock.Instant
    let metadata: Metadata

    /// The full names of the services, sorted.
    func services() async throws -> [String] {
        let response = try await ask([.with { $0.listServices = "*" }]).first
        guard case .listServicesResponse(let list)? = response?.messageResponse else {
            throw CommandFailure("\(peer) did not list its services")
        }
        return list.service.map(\.name).sorted()
    }

    /// The descriptors of services. A service that the server cannot describe is left out.
    func pool(of services: [String]) async throws -> DescriptorPool {
        var pool = DescriptorPool()
        let requests = services.map { name in Request.with { $0.fileContainingSymbol = name } }
        for response in try await ask(requests) { try add(response, to: &pool) }
        // Most servers send all imports at once.
        for _ in 0..<Self.maxRounds {
            let missing = pool.missingFiles
            if missing.isEmpty { break }
            for response in try await ask(missing.map { name in .with { $0.fileByFilename = name } }) {
                try add(response, to: &pool)
            }
            // The server lacks these files too.
            if pool.missingFiles == missing { break }
        }
        return pool
    }

    private func add(_ response: Response, to pool: inout DescriptorPool) throws {
        guard case .fileDescriptorResponse(let files)? = response.messageResponse else { return }
        do {
            for bytes in files.fileDescriptorProto {
                guard pool.fileCount < Self.maxFiles else { throw DescriptorError("more than \(Self.maxFiles) files") }
                try pool.add(try Google_Protobuf_FileDescriptorProto(serializedBytes: bytes))
            }
        } catch {
            throw CommandFailure("\(peer) describes its services wrongly: \(error)")
        }
    }

    private func ask(_ requests: [Request]) async throws -> [Response] {
        for version in ["v1", "v1alpha"] {
            do {
                return try await ask(requests, version: version)
            } catch let error as RPCError where error.code == .unimplemented {
                continue
            }
        }
        throw CommandFailure(
            "\(peer) does not describe its services: set server.grpc.reflection: true in its configuration")
    }

    private func ask(_ requests: [Request], version: String) async throws -> [Response] {
        var options = CallOptions.defaults
        options.timeout = deadline - .now
        let request = StreamingClientRequest<Request>(metadata: metadata) { writer in
            for request in requests { try await writer.write(request) }
        }
        return try await client.bidirectionalStreaming(
            request: request,
            descriptor: MethodDescriptor(
                fullyQualifiedService: "grpc.reflection.\(version).ServerReflection",
                method: "ServerReflectionInfo"
            ),
            serializer: ProtobufSerializer<Request>(),
            deserializer: ProtobufDeserializer<Response>(),
            options: options
        ) { response in
            var responses: [Response] = []
            for try await message in response.messages {
                responses.append(message)
                if responses.count == requests.count { break }
            }
            return responses
        }
    }
}
