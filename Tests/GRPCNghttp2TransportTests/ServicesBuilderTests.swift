import GRPCCore
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite(.timeLimit(.minutes(1)))
struct ServicesBuilderTests {
    private static func service(_ method: String, _ answer: UInt8) -> RawService {
        RawService(handlers: [method: { _, _ in StreamingServerResponse(single: ServerResponse(message: [answer])) }])
    }

    @Test func singleServiceIsServed() async throws {
        try await Self.run { transport in
            GRPCServer(transport: transport) { Self.service("A", 1) }
        } _: { client in
            let answer = try await client.call("A")
            #expect(answer == [1])
        }
    }

    /// Three services are nested pairs.
    @Test func everyServiceOfABuilderIsServed() async throws {
        try await Self.run { transport in
            GRPCServer(transport: transport) {
                Self.service("A", 1)
                Self.service("B", 2)
                Self.service("C", 3)
            }
        } _: { client in
            let answers = [try await client.call("A"), try await client.call("B"), try await client.call("C")]
            #expect(answers == [[1], [2], [3]])
        }
    }

    @Test func interceptorsRunBeforeHandlers() async throws {
        try await Self.run { transport in
            GRPCServer(transport: transport, interceptors: [.apply(Refuse(), to: .all)]) { Self.service("A", 1) }
        } _: { client in
            let error = await #expect(throws: RPCError.self) { try await client.call("A") }
            #expect(error?.code == .permissionDenied)
        }
    }

    private struct Refuse: ServerInterceptor {
        func intercept<Input: Sendable, Output: Sendable>(
            request: StreamingServerRequest<Input>,
            context: ServerContext,
            next: (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<Output>
        ) async throws -> StreamingServerResponse<Output> {
            throw RPCError(code: .permissionDenied, message: "nobody may")
        }
    }

    private static func run(
        _ makeServer: (Nghttp2ServerTransport) -> RawServer,
        _ body: @Sendable (RawClient) async throws -> Void
    ) async throws {
        let transport = Nghttp2ServerTransport(address: .anyPort)
        let server = makeServer(transport)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            try await withClient(try await transport.listeningAddress, body)
            server.beginGracefulShutdown()
            try await group.waitForAll()
        }
    }
}
