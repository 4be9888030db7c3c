public import GRPCCore
public import GRPCProtobuf
public import SwiftProtobuf

// Generated stubs make their calls through these functions.
extension ServiceChannel {
    /// Makes a call with one request and one response of protobuf; see
    /// ``unary(_:_:serializer:deserializer:metadata:options:)``.
    @inlinable
    public func unary<Request: Message, Response: Message>(
        _ request: Request,
        _ method: MethodDescriptor,
        metadata: Metadata = [:],
        options: CallOptions = .defaults
    ) async throws -> Response {
        try await unary(
            request,
            method,
            serializer: ProtobufSerializer(),
            deserializer: ProtobufDeserializer(),
            metadata: metadata,
            options: options
        )
    }

    /// Makes a call with one request and one response of protobuf; see
    /// ``unary(_:_:serializer:deserializer:metadata:options:onResponse:)``.
    @inlinable
    public func unary<Request: Message, Response: Message, Result: Sendable>(
        _ request: Request,
        _ method: MethodDescriptor,
        metadata: Metadata = [:],
        options: CallOptions = .defaults,
        onResponse handleResponse: (_ response: ClientResponse<Response>) async throws -> Result
    ) async throws -> Result {
        try await unary(
            request,
            method,
            serializer: ProtobufSerializer(),
            deserializer: ProtobufDeserializer(),
            metadata: metadata,
            options: options,
            onResponse: handleResponse
        )
    }

    /// Makes a call with one request and a stream of responses of protobuf; see
    /// ``serverStreaming(_:_:serializer:deserializer:metadata:options:)``.
    @inlinable
    public func serverStreaming<Request: Message, Response: Message>(
        _ request: Request,
        _ method: MethodDescriptor,
        metadata: Metadata = [:],
        options: CallOptions = .defaults
    ) -> ResponseStream<Response> {
        serverStreaming(
            request,
            method,
            serializer: ProtobufSerializer(),
            deserializer: ProtobufDeserializer(),
            metadata: metadata,
            options: options
        )
    }

    /// Makes a call with one request and a stream of responses of protobuf; see
    /// ``serverStreaming(_:_:serializer:deserializer:metadata:options:onResponse:)``.
    @inlinable
    public func serverStreaming<Request: Message, Response: Message, Result: Sendable>(
        _ request: Request,
        _ method: MethodDescriptor,
        metadata: Metadata = [:],
        options: CallOptions = .defaults,
        onResponse handleResponse: (_ response: StreamingClientResponse<Response>) async throws -> Result
    ) async throws -> Result {
        try await serverStreaming(
            request,
            method,
            serializer: ProtobufSerializer(),
            deserializer: ProtobufDeserializer(),
            metadata: metadata,
            options: options,
            onResponse: handleResponse
        )
    }

    /// Makes a call with a stream of requests and one response of protobuf; see
    /// ``clientStreaming(_:serializer:deserializer:metadata:options:requestProducer:onResponse:)``.
    @inlinable
    public func clientStreaming<Request: Message, Response: Message, Result: Sendable>(
        _ method: MethodDescriptor,
        metadata: Metadata = [:],
        options: CallOptions = .defaults,
        requestProducer produce: @escaping @Sendable (_ writer: RPCWriter<Request>) async throws -> Void,
        onResponse handleResponse: (_ response: ClientResponse<Response>) async throws -> Result
    ) async throws -> Result {
        try await clientStreaming(
            method,
            serializer: ProtobufSerializer(),
            deserializer: ProtobufDeserializer(),
            metadata: metadata,
            options: options,
            requestProducer: produce,
            onResponse: handleResponse
        )
    }

    /// Makes a call with a stream of requests and a stream of responses of protobuf; see
    /// ``bidirectionalStreaming(_:serializer:deserializer:metadata:options:requestProducer:onResponse:)``.
    @inlinable
    public func bidirectionalStreaming<Request: Message, Response: Message, Result: Sendable>(
        _ method: MethodDescriptor,
        metadata: Metadata = [:],
        options: CallOptions = .defaults,
        requestProducer produce: @escaping @Sendable (_ writer: RPCWriter<Request>) async throws -> Void,
        onResponse handleResponse: (_ response: StreamingClientResponse<Response>) async throws -> Result
    ) async throws -> Result {
        try await bidirectionalStreaming(
            method,
            serializer: ProtobufSerializer(),
            deserializer: ProtobufDeserializer(),
            metadata: metadata,
            options: options,
            requestProducer: produce,
            onResponse: handleResponse
        )
    }
}
