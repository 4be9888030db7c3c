import Foundation
import GRPCCore
import GRPCProtobuf
import ServiceKit
import ServiceKitGRPC
import ServiceKitSampleAPI
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

/// Methods with streams of requests: `Echo` answers each, `Collect` answers all together.
struct TalkService: RegistrableRPCService {
    typealias Handler =
        @Sendable (StreamingServerRequest<User_V1_User>, ServerContext) async throws ->
        StreamingServerResponse<User_V1_User>

    static let name = "user.v1.TalkService"

    /// The calls that run, and those whose handlers saw the caller leave.
    let running = Shared(0)
    let cancelled = Shared(0)
    /// `Collect` waits here with each message.
    let gate: Gate?

    init(gate: Gate? = nil) {
        self.gate = gate
    }

    /// Serves it, with its descriptors.
    ///
    /// - Parameter isDirect: Whether the calls go past GRPCCore's executor.
    func serve(on app: App, isDirect: Bool = false) throws {
        let descriptors = try Self.descriptors()
        guard isDirect else { return app.serve(self, descriptors: descriptors) }
        app.serve(self, descriptors: [descriptors]) { methods in
            for (name, handler) in handlers {
                methods.stream(
                    Self.method(name), deserializer: ProtobufDeserializer<User_V1_User>(),
                    serializer: ProtobufSerializer<User_V1_User>(), handler)
            }
        }
    }

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for (name, handler) in handlers {
            router.registerHandler(
                forMethod: Self.method(name), deserializer: ProtobufDeserializer<User_V1_User>(),
                serializer: ProtobufSerializer<User_V1_User>(), handler: handler)
        }
    }

    private static func method(_ name: String) -> MethodDescriptor {
        MethodDescriptor(fullyQualifiedService: Self.name, method: name)
    }

    private var handlers: [String: Handler] { ["Echo": echo, "Collect": collect] }

    private var echo: Handler {
        { request, _ in
            StreamingServerResponse(metadata: ["x-talk": "yes"]) { writer in
                running.update { $0 += 1 }
                defer { running.update { $0 -= 1 } }
                do {
                    for try await message in request.messages {
                        try await writer.write(try answer(to: message, request.metadata))
                    }
                } catch let error as ServiceError {
                    throw error
                } catch {
                    cancelled.update { $0 += 1 }
                    throw error
                }
                return [:]
            }
        }
    }

    private func answer(to message: User_V1_User, _ metadata: Metadata) throws -> User_V1_User {
        switch message.name {
        case "refuse":
            throw ServiceError(.notFound, reason: "USER_NOT_FOUND", message: "there is no user", metadata: ["id": "9"])
        case "crash":
            throw ServiceError(.internalError, reason: "BROKEN", message: "it is broken")
        case "cookie":
            return .with { $0.name = metadata[stringValues: "cookie"].first(where: { _ in true }) ?? "none" }
        default:
            return message
        }
    }

    private var collect: Handler {
        { request, _ in
            running.update { $0 += 1 }
            defer { running.update { $0 -= 1 } }
            var answer = User_V1_User()
            for try await message in request.messages {
                try await gate?.pass()
                answer.id += 1
                if answer.name.utf8.count < 100 { answer.name += message.name }
            }
            return StreamingServerResponse(single: ServerResponse(message: answer))
        }
    }

    // MARK: - Descriptors

    /// The descriptors of users, with the service's. `Echo` has a path of its own, `/v1/rooms/{email}`; `Collect`
    /// has `/v1/collect`.
    static func descriptors() throws -> String {
        let data = try #require(Data(base64Encoded: userDescriptors))
        var set = try Google_Protobuf_FileDescriptorSet(serializedBytes: data)
        let users = try #require(set.file.first { $0.package == "user.v1" })
        var service = Google_Protobuf_ServiceDescriptorProto()
        service.name = "TalkService"
        service.method = [
            try method("Echo", isBidirectional: true, path: "/v1/rooms/{email}"),
            try method("Collect", isBidirectional: false, path: "/v1/collect"),
        ]
        var file = Google_Protobuf_FileDescriptorProto()
        (file.name, file.package, file.syntax) = ("talk.proto", "user.v1", "proto3")
        file.dependency = [users.name]
        file.service = [service]
        set.file.append(file)
        return try (set.serializedBytes() as Data).base64EncodedString()
    }

    private static func method(
        _ name: String, isBidirectional: Bool, path: String
    ) throws -> Google_Protobuf_MethodDescriptorProto {
        var method = Google_Protobuf_MethodDescriptorProto()
        (method.name, method.inputType, method.outputType) = (name, ".user.v1.User", ".user.v1.User")
        (method.clientStreaming, method.serverStreaming) = (true, isBidirectional)
        let rule = [2 << 3 | 2, UInt8(path.utf8.count)] + path.utf8
        // Field 72295728, `google.api.http`.
        try method.options.merge(serializedBytes: [0x82, 0xd3, 0xe4, 0x93, 0x02, UInt8(rule.count)] + rule)
        return method
    }
}
