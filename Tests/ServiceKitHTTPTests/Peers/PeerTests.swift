import Foundation
import HTTPTypes
import ServiceKit
import ServiceKitHTTP
import ServiceKitTestSupport
import Testing

/// Clients of Connect, gRPC-Web and plain HTTP that others have written.
@Suite(.timeLimit(.minutes(3)))
struct PeerTests {
    /// A Python with the packages connectrpc, sonora and httpx; `make test` names it.
    private static let python = ProcessInfo.processInfo.environment["KIT_TEST_PYTHON"]

    // Several processes of Python at a time would keep the other tests waiting.
    @Test(
        .enabled(if: python != nil, "KIT_TEST_PYTHON is not set"), .serialized,
        arguments: ["connect_json", "connect_bytes", "connect_grpc_web", "sonora", "httpx"])
    func clientIsServed(_ client: String) async throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Python/http_clients.py")
        try await HTTPTestServer.with { server in
            let result = try await RunningProgram.run(
                try #require(Self.python), [script.path(percentEncoded: false), "\(server.port)", client])
            #expect(result.exit == .exited(0), "\(result.output)\(result.errors)")
        }
    }

    /// Heads that HTTP/2 forbids, or that make no sense: each gets a status of HTTP, and those of gRPC one of gRPC.
    @Test(
        .enabled(if: python != nil, "KIT_TEST_PYTHON is not set"),
        arguments: ["", "server: {http: {listen: '127.0.0.1:0'}}\n"])
    func hostileHeadsOfHTTP2GetTheirAnswers(_ yaml: String) async throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Python/http2_heads.py")
        try await HTTPTestServer.with(
            yaml,
            extend: { app in
                app.http.any("/any") { request in
                    RouteResponse(text: "\(request.head.method) \(request.head.authority ?? "-")")
                }
            }
        ) { server in
            let result = try await RunningProgram.run(
                try #require(Self.python),
                [script.path(percentEncoded: false), "\(server.port)", yaml.isEmpty ? "grpc" : ""])
            #expect(result.exit == .exited(0), "\(result.output)\(result.errors)")
        }
    }
}
