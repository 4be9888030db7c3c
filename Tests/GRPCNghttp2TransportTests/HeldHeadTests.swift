import GRPCCore
import ServiceKitGRPC
import NIOCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The head of a call with one message leaves with the message; that of any other leaves at once.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct HeldHeadTests {
    private static func method(_ type: MethodDescriptor.RPCType?) -> MethodDescriptor {
        MethodDescriptor(fullyQualifiedService: RawService.name, method: "Any", type: type)
    }

    /// Whether a request has been submitted, after the loop has run its earlier tasks.
    private static func isSubmitted(_ call: ClientStream) async throws -> Bool {
        let stream = call.stream
        return try await stream.scheduler.loop.submit { stream.id != 0 }.get()
    }

    @Test(arguments: [nil] + MethodDescriptor.RPCType.allCases)
    func requestHeadOfAUnaryCallWaitsForItsMessage(type: MethodDescriptor.RPCType?) async throws {
        let streams = Shared<[HTTP2Stream]>([])
        try await RawHTTP2Server.run(onStream: { stream, _ in streams.update { $0.append(stream) } }) { server in
            try await withClientConnection(server.address) { connection in
                let call = try connection.makeStream(descriptor: Self.method(type))
                try await call.write(.metadata([:]))
                let waits = type == .unary || type == .serverStreaming
                let isSubmitted = try await Self.isSubmitted(call)
                #expect(isSubmitted != waits)
                try await call.write(.message([1]))
                #expect(try await Self.isSubmitted(call))
                call.finish()
                try await eventually { streams.value.count == 1 }
                try streams.value.first?.send(
                    head: HeaderBlock([HeaderName.status: "0"]), prefix: .common, endStream: true
                )
                guard case .status(let status, _)? = try await call.next() else {
                    Issue.record("no status")
                    return
                }
                #expect(status.code == .ok)
            }
        }
    }

    /// A call that is given up before its message sends nothing, and leaves nothing behind.
    @Test func cancelledRequestBeforeItsMessageIsNotSent() async throws {
        try await RawHTTP2Server.run(onStream: { _, _ in Issue.record("a request came") }) { server in
            try await withClientConnection(server.address) { connection in
                let call = try connection.makeStream(descriptor: Self.method(.unary))
                try await call.write(.metadata([:]))
                call.cancel()
                let error = await #expect(throws: RPCError.self) { try await call.next() }
                #expect(error?.code == .cancelled)
                #expect(try await Self.isSubmitted(call) == false)
            }
        }
    }

    /// The connection goes while the head waits: the call fails when the message would leave, and was not processed.
    @Test func heldRequestOnALostConnectionIsNotProcessed() async throws {
        try await RawHTTP2Server.run(onStream: { _, _ in }) { server in
            try await withClientConnection(server.address) { connection in
                let call = try connection.makeStream(descriptor: Self.method(.unary))
                try await call.write(.metadata([:]))
                server.accepted.kill()
                try await eventually { !call.stream.connection.takesCalls }
                try? await call.write(.message([1]))
                let error = await #expect(throws: RPCError.self) { try await call.next() }
                #expect(error?.code == .unavailable)
                #expect(error?.isNotProcessed == true)
            }
        }
    }

    /// A response of one message is sent together with its head. The first part is the metadata all the same.
    @Test(arguments: [nil] + MethodDescriptor.RPCType.allCases)
    func responseHeadOfAUnaryCallComesWithItsMessage(type: MethodDescriptor.RPCType?) async throws {
        try await withTypedServer(type) { address in
            try await withClientConnection(address) { connection in
                let call = try connection.makeStream(descriptor: Self.method(type))
                try await call.write(.metadata([:]))
                try await call.write(.message([7]))
                call.finish()
                var parts: [String] = []
                while let part = try await call.next() {
                    switch part {
                    case .metadata(let metadata): parts.append("metadata \(metadata.contains { $0.key == "greeting" })")
                    case .message(let bytes): parts.append("message \(bytes)")
                    case .status(let status, _): parts.append("status \(status.code)")
                    }
                }
                #expect(parts == ["metadata true", "message [7]", "status ok"])
            }
        }
    }

    private func withTypedServer(
        _ type: MethodDescriptor.RPCType?,
        _ body: @Sendable (TransportAddress) async throws -> Void
    ) async throws {
        let service = Service(descriptor: Self.method(type))
        let transport = Nghttp2ServerTransport(serving: service)
        try await withGRPCServer(transport: transport, services: [service]) { _ in
            try await body(try await transport.listeningAddress)
        }
    }

    private struct Service: BothPathsService {
        let descriptor: MethodDescriptor

        private static let handler: RawHandler = { request, _ in
            let message = try await ServerRequest(stream: request).message
            return StreamingServerResponse(single: ServerResponse(message: message, metadata: ["greeting": "hello"]))
        }

        func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
            router.registerHandler(
                forMethod: descriptor, deserializer: RawDeserializer(), serializer: RawSerializer(),
                handler: Self.handler
            )
        }

        var methods: ServiceMethods {
            var methods = ServiceMethods()
            methods.stream(descriptor, deserializer: RawDeserializer(), serializer: RawSerializer(), Self.handler)
            return methods
        }
    }
}
