#if DEBUG
import GRPCCore
import GRPCNghttp2Transport
import ServiceKitGRPC

/// A client of the soak's service.
protocol SoakClient: Sendable {
    func unary(_ method: MethodDescriptor, _ message: [UInt8], _ options: CallOptions) async throws -> [UInt8]

    func clientStreaming(
        _ method: MethodDescriptor, _ options: CallOptions, _ produce: @escaping Produce
    ) async throws -> [UInt8]

    /// Reads the first responses, and leaves the call then.
    func serverStreaming(
        _ method: MethodDescriptor, _ message: [UInt8], _ options: CallOptions, first count: Int, _ read: @escaping Read
    ) async throws

    func bidirectionalStreaming(
        _ method: MethodDescriptor, _ options: CallOptions, _ produce: @escaping Produce, _ read: @escaping Read
    ) async throws
}

extension SoakClient {
    typealias Produce = @Sendable (RPCWriter<[UInt8]>) async throws -> Void
    typealias Read = @Sendable ([UInt8]) throws -> Void
}

/// Calls through GRPCCore.
extension GRPCClient: SoakClient {
    func unary(_ method: MethodDescriptor, _ message: [UInt8], _ options: CallOptions) async throws -> [UInt8] {
        try await unary(
            request: ClientRequest(message: message), descriptor: method, serializer: SoakBytes(),
            deserializer: SoakBytes(),
            options: options
        ) { try $0.message }
    }

    func clientStreaming(
        _ method: MethodDescriptor, _ options: CallOptions, _ produce: @escaping Produce
    ) async throws -> [UInt8] {
        try await clientStreaming(
            request: StreamingClientRequest(producer: produce), descriptor: method, serializer: SoakBytes(),
            deserializer: SoakBytes(), options: options
        ) { try $0.message }
    }

    func serverStreaming(
        _ method: MethodDescriptor, _ message: [UInt8], _ options: CallOptions, first count: Int, _ read: @escaping Read
    ) async throws {
        try await serverStreaming(
            request: ClientRequest(message: message), descriptor: method, serializer: SoakBytes(),
            deserializer: SoakBytes(),
            options: options
        ) { for try await answer in $0.messages.prefix(count) { try read(answer) } }
    }

    func bidirectionalStreaming(
        _ method: MethodDescriptor, _ options: CallOptions, _ produce: @escaping Produce, _ read: @escaping Read
    ) async throws {
        try await bidirectionalStreaming(
            request: StreamingClientRequest(producer: produce), descriptor: method, serializer: SoakBytes(),
            deserializer: SoakBytes(), options: options
        ) { for try await answer in $0.messages { try read(answer) } }
    }
}

/// Direct calls.
extension ServiceChannel: SoakClient {
    func unary(_ method: MethodDescriptor, _ message: [UInt8], _ options: CallOptions) async throws -> [UInt8] {
        try await unary(message, method, serializer: SoakBytes(), deserializer: SoakBytes(), options: options)
    }

    func clientStreaming(
        _ method: MethodDescriptor, _ options: CallOptions, _ produce: @escaping Produce
    ) async throws -> [UInt8] {
        try await clientStreaming(
            method, serializer: SoakBytes(), deserializer: SoakBytes(), options: options, requestProducer: produce
        ) { try $0.message }
    }

    func serverStreaming(
        _ method: MethodDescriptor, _ message: [UInt8], _ options: CallOptions, first count: Int, _ read: @escaping Read
    ) async throws {
        let answers = serverStreaming(
            message, method, serializer: SoakBytes(), deserializer: SoakBytes(), options: options)
        for try await answer in answers.prefix(count) { try read(answer) }
    }

    func bidirectionalStreaming(
        _ method: MethodDescriptor, _ options: CallOptions, _ produce: @escaping Produce, _ read: @escaping Read
    ) async throws {
        try await bidirectionalStreaming(
            method, serializer: SoakBytes(), deserializer: SoakBytes(), options: options, requestProducer: produce
        ) { for try await answer in $0.messages { try read(answer) } }
    }
}
#endif
