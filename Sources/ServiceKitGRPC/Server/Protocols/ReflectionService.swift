internal import GRPCCore
private import GRPCProtobuf
internal import ServiceKit
internal import ServiceKitProtobuf

/// `grpc.reflection.v1.ServerReflection`, and `v1alpha` of it, which has the same messages.
struct ReflectionService: RegistrableRPCService {
    static let names = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]

    /// The full names of the services that are served, sorted.
    let services: [String]
    let pool: DescriptorPool
    let health: Watched<AppHealth>

    func registerMethods(with router: inout RPCRouter<some ServerTransport>) {
        for name in Self.names {
            router.registerHandler(
                forMethod: MethodDescriptor(fullyQualifiedService: name, method: "ServerReflectionInfo"),
                deserializer: ProtobufDeserializer<Grpc_Reflection_V1_ServerReflectionRequest>(),
                serializer: ProtobufSerializer<Grpc_Reflection_V1_ServerReflectionResponse>()
            ) { request, context in
                StreamingServerResponse { writer in
                    try await answer(request.messages, to: writer, context)
                    return [:]
                }
            }
        }
    }

    /// Answers request by request; ends when the App stops, so that it does not keep the server from draining.
    private func answer(
        _ requests: RPCAsyncSequence<Grpc_Reflection_V1_ServerReflectionRequest, any Error>,
        to writer: RPCWriter<Grpc_Reflection_V1_ServerReflectionResponse>,
        _ context: ServerContext
    ) async throws {
        try await whileCallLasts(context) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = await health.first(where: \.isEnding) }
                group.addTask {
                    var reflection = Reflection(services: services, pool: pool)
                    for try await request in requests { try await writer.write(reflection.response(to: request)) }
                }
                defer { group.cancelAll() }
                _ = try await group.next()
            }
        }
    }
}
