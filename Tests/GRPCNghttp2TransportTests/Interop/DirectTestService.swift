import GRPCCore
import ServiceKitGRPC

/// Calls the service of gRPC's interoperability tests straight through a channel.
struct DirectTestService: Grpc_Testing_TestService.ClientProtocol {
    let channel: ServiceChannel

    func emptyCall<Result: Sendable>(
        request: ClientRequest<Grpc_Testing_Empty>,
        serializer: some MessageSerializer<Grpc_Testing_Empty>,
        deserializer: some MessageDeserializer<Grpc_Testing_Empty>,
        options: CallOptions,
        onResponse handleResponse:
            @escaping @Sendable (ClientResponse<Grpc_Testing_Empty>) async throws -> Result
    ) async throws -> Result {
        try await channel.unary(
            request.message, Grpc_Testing_TestService.Method.EmptyCall.descriptor, serializer: serializer,
            deserializer: deserializer,
            metadata: request.metadata, options: options, onResponse: handleResponse
        )
    }

    func unaryCall<Result: Sendable>(
        request: ClientRequest<Grpc_Testing_SimpleRequest>,
        serializer: some MessageSerializer<Grpc_Testing_SimpleRequest>,
        deserializer: some MessageDeserializer<Grpc_Testing_SimpleResponse>,
        options: CallOptions,
        onResponse handleResponse:
            @escaping @Sendable (ClientResponse<Grpc_Testing_SimpleResponse>) async throws -> Result
    ) async throws -> Result {
        try await channel.unary(
            request.message, Grpc_Testing_TestService.Method.UnaryCall.descriptor, serializer: serializer,
            deserializer: deserializer,
            metadata: request.metadata, options: options, onResponse: handleResponse
        )
    }

    func streamingInputCall<Result: Sendable>(
        request: StreamingClientRequest<Grpc_Testing_StreamingInputCallRequest>,
        serializer: some MessageSerializer<Grpc_Testing_StreamingInputCallRequest>,
        deserializer: some MessageDeserializer<Grpc_Testing_StreamingInputCallResponse>,
        options: CallOptions,
        onResponse handleResponse:
            @escaping @Sendable (ClientResponse<Grpc_Testing_StreamingInputCallResponse>) async throws -> Result
    ) async throws -> Result {
        try await channel.clientStreaming(
            Grpc_Testing_TestService.Method.StreamingInputCall.descriptor, serializer: serializer,
            deserializer: deserializer,
            metadata: request.metadata, options: options, requestProducer: request.producer, onResponse: handleResponse
        )
    }

    func streamingOutputCall<Result: Sendable>(
        request: ClientRequest<Grpc_Testing_StreamingOutputCallRequest>,
        serializer: some MessageSerializer<Grpc_Testing_StreamingOutputCallRequest>,
        deserializer: some MessageDeserializer<Grpc_Testing_StreamingOutputCallResponse>,
        options: CallOptions,
        onResponse handleResponse:
            @escaping @Sendable (StreamingClientResponse<Grpc_Testing_StreamingOutputCallResponse>) async throws ->
            Result
    ) async throws -> Result {
        try await channel.serverStreaming(
            request.message, Grpc_Testing_TestService.Method.StreamingOutputCall.descriptor, serializer: serializer,
            deserializer: deserializer,
            metadata: request.metadata, options: options, onResponse: handleResponse
        )
    }

    func fullDuplexCall<Result: Sendable>(
        request: StreamingClientRequest<Grpc_Testing_StreamingOutputCallRequest>,
        serializer: some MessageSerializer<Grpc_Testing_StreamingOutputCallRequest>,
        deserializer: some MessageDeserializer<Grpc_Testing_StreamingOutputCallResponse>,
        options: CallOptions,
        onResponse handleResponse:
            @escaping @Sendable (StreamingClientResponse<Grpc_Testing_StreamingOutputCallResponse>) async throws ->
            Result
    ) async throws -> Result {
        try await channel.bidirectionalStreaming(
            Grpc_Testing_TestService.Method.FullDuplexCall.descriptor, serializer: serializer,
            deserializer: deserializer,
            metadata: request.metadata, options: options, requestProducer: request.producer, onResponse: handleResponse
        )
    }

    func unimplementedCall<Result: Sendable>(
        request: ClientRequest<Grpc_Testing_Empty>,
        serializer: some MessageSerializer<Grpc_Testing_Empty>,
        deserializer: some MessageDeserializer<Grpc_Testing_Empty>,
        options: CallOptions,
        onResponse handleResponse:
            @escaping @Sendable (ClientResponse<Grpc_Testing_Empty>) async throws -> Result
    ) async throws -> Result {
        try await channel.unary(
            request.message, Grpc_Testing_TestService.Method.UnimplementedCall.descriptor, serializer: serializer,
            deserializer: deserializer,
            metadata: request.metadata, options: options, onResponse: handleResponse
        )
    }
}

/// Calls a service that no server has straight through a channel.
struct DirectUnimplementedService: Grpc_Testing_UnimplementedService.ClientProtocol {
    let channel: ServiceChannel

    func unimplementedCall<Result: Sendable>(
        request: ClientRequest<Grpc_Testing_Empty>,
        serializer: some MessageSerializer<Grpc_Testing_Empty>,
        deserializer: some MessageDeserializer<Grpc_Testing_Empty>,
        options: CallOptions,
        onResponse handleResponse:
            @escaping @Sendable (ClientResponse<Grpc_Testing_Empty>) async throws -> Result
    ) async throws -> Result {
        try await channel.unary(
            request.message, Grpc_Testing_UnimplementedService.Method.UnimplementedCall.descriptor,
            serializer: serializer, deserializer: deserializer,
            metadata: request.metadata, options: options, onResponse: handleResponse
        )
    }
}
