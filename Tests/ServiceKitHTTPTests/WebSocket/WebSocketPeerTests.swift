import Foundation
import ServiceKitTestSupport
import Testing

/// Clients of WebSocket that others have written.
@Suite(.timeLimit(.minutes(3)))
struct WebSocketPeerTests {
    /// A Python with the package websockets; `make test` names it.
    private static let python = ProcessInfo.processInfo.environment["KIT_TEST_PYTHON"]

    @Test(
        .enabled(if: python != nil, "KIT_TEST_PYTHON is not set"),
        arguments: ["echo", "fragments", "collect", "error", "origin", "too_large", "responses", "leave"])
    func pythonClientIsServed(_ check: String) async throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Python/websocket_client.py")
        let talk = TalkService()
        try await HTTPTestServer.with(
            extend: { app in #expect(throws: Never.self) { try talk.serve(on: app) } }
        ) { server in
            let result = try await RunningProgram.run(
                try #require(Self.python), [script.path(percentEncoded: false), "\(server.port)", check])
            #expect(result.exit == .exited(0), "\(result.output)\(result.errors)")
            try await eventually { talk.running.value == 0 }
        }
    }
}
