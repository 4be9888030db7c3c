import GRPCCore
import ServiceKit
import ServiceKitTestSupport

@testable import ServiceKitGRPC

/// A client of the tests' service, and the task that runs its connections.
final class TestClient: Sendable {
    let channel: ServiceChannel
    private let client: GRPCClient<ServiceChannel>
    private let task: Task<Void, any Error>

    /// - Parameters:
    ///   - channel: The channel.
    ///   - interceptors: See the calls that go through GRPCCore.
    init(_ channel: ServiceChannel, interceptors: [any ClientInterceptor] = []) {
        let client = GRPCClient(transport: channel, interceptors: interceptors)
        self.channel = channel
        self.client = client
        task = Task { try await client.runConnections() }
    }

    func beginGracefulShutdown() { client.beginGracefulShutdown() }

    /// Waits until its connections have ended.
    func end() async throws { try await task.value }

    func shutDown() async {
        client.beginGracefulShutdown()
        _ = await task.result
    }

    /// Makes a unary call.
    func call(
        _ method: String = "Name",
        _ message: [UInt8] = [],
        metadata: Metadata = [:],
        options: CallOptions = .defaults
    ) async throws -> ClientResponse<[UInt8]> {
        if CallPath.current == .direct {
            return try await channel.unary(
                message,
                .test(method),
                serializer: Bytes(),
                deserializer: Bytes(),
                metadata: metadata,
                options: options
            ) { $0 }
        }
        return try await client.unary(
            request: ClientRequest(message: message, metadata: metadata),
            descriptor: .test(method),
            serializer: Bytes(),
            deserializer: Bytes(),
            options: options
        ) { $0 }
    }

    /// Calls a method that answers with text.
    func text(
        _ method: String = "Name", metadata: Metadata = [:], options: CallOptions = .defaults
    ) async throws -> String {
        String(decoding: try await call(method, metadata: metadata, options: options).message, as: UTF8.self)
    }

    /// The error of a call that fails.
    func failure(
        _ method: String = "Name", _ message: [UInt8] = [], options: CallOptions = .defaults
    ) async -> RPCError? {
        do {
            _ = try await call(method, message, options: options).message
            return nil
        } catch {
            return error as? RPCError ?? RPCError(code: .unknown, message: "no RPCError: \(error)")
        }
    }

    /// Calls a method with a stream of messages, for a stream.
    func stream<Result: Sendable>(
        _ method: String = "Echo",
        metadata: Metadata = [:],
        options: CallOptions = .defaults,
        _ produce: @escaping @Sendable (RPCWriter<[UInt8]>) async throws -> Void,
        _ onResponse: @escaping @Sendable (StreamingClientResponse<[UInt8]>) async throws -> Result
    ) async throws -> Result {
        if CallPath.current == .direct {
            return try await channel.bidirectionalStreaming(
                .test(method),
                serializer: Bytes(),
                deserializer: Bytes(),
                metadata: metadata,
                options: options,
                requestProducer: produce,
                onResponse: onResponse
            )
        }
        return try await client.bidirectionalStreaming(
            request: StreamingClientRequest(metadata: metadata, producer: produce),
            descriptor: .test(method),
            serializer: Bytes(),
            deserializer: Bytes(),
            options: options,
            onResponse: onResponse
        )
    }

    /// Reads the first responses of a method that answers one message with a stream; leaves the call then.
    func responses(
        _ method: String, _ message: [UInt8] = [], first count: Int = .max, options: CallOptions = .defaults
    ) async throws -> [[UInt8]] {
        if CallPath.current == .direct {
            let responses = channel.serverStreaming(
                message, .test(method), serializer: Bytes(), deserializer: Bytes(), options: options
            )
            return try await responses.prefix(count).reduce(into: []) { $0.append($1) }
        }
        return try await client.serverStreaming(
            request: ClientRequest(message: message),
            descriptor: .test(method),
            serializer: Bytes(),
            deserializer: Bytes(),
            options: options
        ) { try await $0.messages.prefix(count).reduce(into: []) { $0.append($1) } }
    }

    /// Sends messages and collects the answers.
    func echo(_ messages: [[UInt8]], options: CallOptions = .defaults) async throws -> [[UInt8]] {
        try await stream(options: options) { writer in
            for message in messages { try await writer.write(message) }
        } _: { response in
            try await response.messages.reduce(into: []) { $0.append($1) }
        }
    }
}
