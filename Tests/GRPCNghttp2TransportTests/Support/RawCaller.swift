import GRPCCore
import Logging
import ServiceKit
import ServiceKitTestSupport

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC
@testable import ServiceKitHTTP2

/// A client of a `RawService`, for one of the paths of calls.
protocol RawCaller: Sendable {
    func rawUnary(
        _ method: String, _ request: ClientRequest<[UInt8]>, _ options: CallOptions
    ) async throws -> ClientResponse<[UInt8]>

    func rawStream<Result: Sendable>(
        _ method: String,
        _ request: StreamingClientRequest<[UInt8]>,
        _ options: CallOptions,
        _ onResponse: @escaping @Sendable (StreamingClientResponse<[UInt8]>) async throws -> Result
    ) async throws -> Result
}

extension GRPCClient: RawCaller {
    func rawUnary(
        _ method: String, _ request: ClientRequest<[UInt8]>, _ options: CallOptions
    ) async throws -> ClientResponse<[UInt8]> {
        try await unary(
            request: request,
            descriptor: RawService.method(method),
            serializer: RawSerializer(),
            deserializer: RawDeserializer(),
            options: options
        ) { $0 }
    }

    func rawStream<Result: Sendable>(
        _ method: String,
        _ request: StreamingClientRequest<[UInt8]>,
        _ options: CallOptions,
        _ onResponse: @escaping @Sendable (StreamingClientResponse<[UInt8]>) async throws -> Result
    ) async throws -> Result {
        try await bidirectionalStreaming(
            request: request,
            descriptor: RawService.method(method),
            serializer: RawSerializer(),
            deserializer: RawDeserializer(),
            options: options,
            onResponse: onResponse
        )
    }
}

extension ServiceChannel: RawCaller {
    func rawUnary(
        _ method: String, _ request: ClientRequest<[UInt8]>, _ options: CallOptions
    ) async throws -> ClientResponse<[UInt8]> {
        try await unary(
            request.message,
            RawService.method(method),
            serializer: RawSerializer(),
            deserializer: RawDeserializer(),
            metadata: request.metadata,
            options: options
        ) { $0 }
    }

    func rawStream<Result: Sendable>(
        _ method: String,
        _ request: StreamingClientRequest<[UInt8]>,
        _ options: CallOptions,
        _ onResponse: @escaping @Sendable (StreamingClientResponse<[UInt8]>) async throws -> Result
    ) async throws -> Result {
        try await bidirectionalStreaming(
            RawService.method(method),
            serializer: RawSerializer(),
            deserializer: RawDeserializer(),
            metadata: request.metadata,
            options: options,
            requestProducer: request.producer,
            onResponse: onResponse
        )
    }
}

extension RawCaller {
    /// A unary call.
    func call(
        _ method: String,
        _ message: [UInt8] = [],
        metadata: Metadata = [:],
        options: CallOptions = .defaults
    ) async throws -> [UInt8] {
        try await response(method, message, metadata: metadata, options: options).message
    }

    /// A unary call, with its metadata.
    func response(
        _ method: String,
        _ message: [UInt8] = [],
        metadata: Metadata = [:],
        options: CallOptions = .defaults
    ) async throws -> ClientResponse<[UInt8]> {
        try await rawUnary(method, ClientRequest(message: message, metadata: metadata), options)
    }

    /// A call of any kind.
    func stream<Result: Sendable>(
        _ method: String,
        metadata: Metadata = [:],
        options: CallOptions = .defaults,
        request: @escaping @Sendable (RPCWriter<[UInt8]>) async throws -> Void,
        response: @escaping @Sendable (StreamingClientResponse<[UInt8]>) async throws -> Result
    ) async throws -> Result {
        try await rawStream(method, StreamingClientRequest(metadata: metadata, producer: request), options, response)
    }
}

/// Runs a client along the path of the running test: GRPCCore's on the bare transport, or direct calls of a channel.
func withCaller<Result: Sendable>(
    _ address: TransportAddress,
    config: Nghttp2ClientTransport.Config = .defaults,
    options: ChannelOptions = ChannelOptions(),
    _ body: (any RawCaller) async throws -> Result
) async throws -> Result {
    switch CallPath.current {
    case .grpcCore: try await withClient(address, config: config, body)
    case .direct: try await withChannel(address, options: options) { try await body($0) }
    }
}

/// Runs a channel to one server.
func withChannel<Result: Sendable>(
    _ address: TransportAddress,
    options: ChannelOptions = ChannelOptions(),
    _ body: (ServiceChannel) async throws -> Result
) async throws -> Result {
    let scheme = options.tls == ClientTLSOptions() ? "grpc" : "grpcs"
    let endpoint = Endpoint(scheme: scheme, host: address.host ?? "", port: address.port ?? 0)
    let registry = try StaticRegistry(services: ["test": [endpoint]])
    let channel = try ServiceChannel(
        to: "test", discoverer: registry, options: options, logger: Logger(label: "test")
    )
    return try await channel.withConnections { try await body(channel) }
}
