internal import GRPCCore
internal import GRPCNghttp2Transport
internal import GRPCProtobuf
internal import SwiftProtobuf

/// Makes calls to one member, over any transport.
protocol Caller: Sendable {
    /// Keeps the connection to the member until the task is cancelled or `shutdown` is called.
    func run() async throws

    /// Takes no new calls.
    func shutdown()

    /// Whether there is a connection. A transport that cannot tell counts as connected.
    var reachability: Reachability { get }

    /// Returns when the current attempt to connect has ended, or the task is cancelled.
    func waitForAttempt() async

    /// Makes a call with one request and one response.
    func unary<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        _ request: Input,
        metadata: Metadata,
        timeout: Duration
    ) async throws -> Output

    /// Makes a call with many requests and many responses. The call ends with the responses, or with an error of
    /// `produce` or `consume`.
    func stream<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        metadata: Metadata,
        produce: @escaping @Sendable (_ send: @Sendable (Input) async throws -> Void) async throws -> Void,
        consume: @escaping @Sendable (Output) async throws -> Void
    ) async throws
}

/// Whether a member can be called now.
enum Reachability: Sendable {
    /// There is a connection, or the transport cannot tell.
    case connected
    /// There is no connection yet, or it was lost. An attempt is under way.
    case connecting
    /// The last attempt failed.
    case failing
}

/// Makes calls through a gRPC client with any transport.
///
/// On libnghttp2's transport, a call with one request and one response goes past the gRPC client, which costs more than
/// the call itself.
final class GRPCCaller<Transport: ClientTransport>: Caller {
    private let client: GRPCClient<Transport>
    /// The transport, if it is libnghttp2's.
    private let direct: Nghttp2ClientTransport?

    init(transport: Transport) {
        client = GRPCClient(transport: transport)
        direct = transport as? Nghttp2ClientTransport
    }

    func run() async throws {
        try await client.runConnections()
    }

    func shutdown() {
        client.beginGracefulShutdown()
    }

    var reachability: Reachability {
        switch direct?.state {
        case .idle, .connecting: .connecting
        case .transientFailure: .failing
        // Once it is shut down, calls fail without waiting. Another transport of grpc-swift does not tell.
        case .ready, .shutdown, nil: .connected
        }
    }

    func waitForAttempt() async { await direct?.waitForAttempt() }

    func unary<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        _ request: Input,
        metadata: Metadata,
        timeout: Duration
    ) async throws -> Output {
        if let direct {
            let response = try await direct.unary(
                try request.serializedBytes(),
                descriptor: method.descriptor,
                metadata: metadata,
                deadline: .now + timeout
            )
            if let response { return try Output(serializedBytes: response) }
        }
        var options = CallOptions.defaults
        options.timeout = timeout
        return try await client.unary(
            request: ClientRequest(message: request, metadata: metadata),
            descriptor: method.descriptor,
            serializer: ProtobufSerializer<Input>(),
            deserializer: ProtobufDeserializer<Output>(),
            options: options
        ) { try $0.message }
    }

    func stream<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        metadata: Metadata,
        produce: @escaping @Sendable (_ send: @Sendable (Input) async throws -> Void) async throws -> Void,
        consume: @escaping @Sendable (Output) async throws -> Void
    ) async throws {
        try await client.bidirectionalStreaming(
            request: StreamingClientRequest(of: Input.self, metadata: metadata) { writer in
                try await produce { try await writer.write($0) }
            },
            descriptor: method.descriptor,
            serializer: ProtobufSerializer<Input>(),
            deserializer: ProtobufDeserializer<Output>(),
            options: .defaults
        ) { response in
            for try await message in response.messages { try await consume(message) }
        }
    }
}
