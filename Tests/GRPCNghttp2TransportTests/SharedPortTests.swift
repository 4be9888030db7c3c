import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// A port that serves gRPC and plain HTTP/2 requests on the same connection.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct SharedPortTests {
    /// Answers with the content type of the request.
    private struct PlainHandler: RequestHandler {
        func open(
            _ stream: HTTP2Stream,
            headers: HeaderBlock?,
            on connection: ServerConnection
        ) -> (any RequestTask)? {
            PlainRequest(stream, connection, contentType: headers?.fields["content-type"] ?? "none")
        }
    }

    private final class PlainRequest: RequestTask {
        let stream: HTTP2Stream
        var id: Int32 { stream.id }
        private let connection: ServerConnection
        private let contentType: String

        init(_ stream: HTTP2Stream, _ connection: ServerConnection, contentType: String) {
            self.stream = stream
            self.connection = connection
            self.contentType = contentType
        }

        func start(on executor: (any TaskExecutor)?) -> Task<Void, Never> {
            Task(executorPreference: executor) { await self.run() }
        }

        private func run() async {
            // Both writes fail if the client is gone.
            try? stream.send(head: HeaderBlock([":status": "200", "content-type": contentType]))
            try? await stream.send(BodyPiece(bytes: Array("plain".utf8)))
            try? stream.send(end: .data)
            connection.returned(self)
        }
    }

    private func withSharedPort(_ body: (TransportAddress) async throws -> Void) async throws {
        let service = RawService(handlers: ["Echo": RawService.echo])
        let transport = Nghttp2ServerTransport(serving: service, otherRequests: PlainHandler())
        try await withGRPCServer(transport: transport, services: [service]) { _ in
            try await body(try await transport.listeningAddress)
        }
    }

    @Test(
        arguments: [
            ("GET", nil), ("POST", "application/json"), ("POST", "application/grpc-web"),
        ] as [(String, String?)])
    func otherRequestsThanGRPCGoToThePlainHandler(_ method: String, _ type: String?) async throws {
        try await withSharedPort { address in
            try await RawHTTP2Client.run(address) { client in
                let stream = client.http2.makeStream(deadline: nil)
                defer { stream.reset(.cancel, failure: .cancelled) }
                var head = HeaderBlock([
                    ":method": method, ":scheme": "http", ":path": "/\(RawService.name)/Echo", ":authority": "x",
                    // It would be an error in a call of gRPC.
                    "x-bin": "*",
                ])
                if let type { head.append(name: "content-type", value: type) }
                try stream.send(head: head, endStream: true)
                var body: [UInt8] = []
                while let part = try await stream.next() {
                    switch part {
                    case .headers(let block, _): #expect(block.fields["content-type"] == type ?? "none")
                    case .body(let piece): body += piece.bytes
                    }
                }
                #expect(body == Array("plain".utf8))
            }
        }
    }

    @Test func grpcCallIsServedOnTheSharedPort() async throws {
        try await withSharedPort { address in
            try await withClient(address) { client in
                let answer = try await client.call("Echo", [1, 2])
                #expect(answer == [1, 2])
            }
        }
    }
}
