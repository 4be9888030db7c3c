import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// The handshake of a WebSocket.
@Suite(.timeLimit(.minutes(3)))
struct WebSocketHandshakeTests {
    private func with(_ body: (HTTPTestServer) async throws -> Void) async throws {
        try await HTTPTestServer.with(
            extend: { app in #expect(throws: Never.self) { try TalkService().serve(on: app) } }, body)
    }

    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
    ])
    func hashIsThatOfTheStandard(_ text: String, _ hash: String) {
        let digits = SHA1.hash(text.utf8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        #expect(digits.joined() == hash)
    }

    @Test func answerToAKeyIsThatOfTheStandard() {
        #expect(WebSocketHandshake.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test(arguments: ["8", "14", "", "13, 8"])
    func otherVersionIsRefused(_ version: String) async throws {
        try await with { server in
            let client = try server.client()
            await client.send(WebSocketClient.handshake("/user.v1.TalkService/Echo", version: version))
            let response = try await client.response()
            #expect(response.status == 426)
            #expect(response.fields["sec-websocket-version"] == "13")
            #expect(response.fields["upgrade"] == "websocket")
        }
    }

    private static let beginning =
        "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    private static let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

    @Test(arguments: [
        ("GET /user.v1.TalkService/Echo HTTP/1.1\r\n\(beginning)\r\n", 400),
        ("GET /user.v1.TalkService/Echo HTTP/1.1\r\n\(beginning)Sec-WebSocket-Key: abc\r\n\r\n", 400),
        ("GET /user.v1.TalkService/Echo HTTP/1.1\r\n\(beginning)\(key)\(key)\r\n", 400),
        ("POST /user.v1.TalkService/Echo HTTP/1.1\r\n\(beginning)\(key)\r\n", 405),
        // With a body, without the header Connection, to another protocol: no WebSocket.
        ("GET /v1/rooms/a HTTP/1.1\r\n\(beginning)\(key)Content-Length: 1\r\n\r\na", 426),
        ("GET /v1/rooms/a HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\(key)\r\n", 426),
        ("GET /v1/rooms/a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 426),
        ("GET /v1/rooms/a HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        ("GET /v1/nothing HTTP/1.1\r\n\(beginning)\(key)\r\n", 404),
        // A method without streams is called like without the offer.
        ("GET /user.v1.UserService/GetUser?encoding=json&message=%7B%7D HTTP/1.1\r\n\(beginning)\(key)\r\n", 404),
        ("GET /livez HTTP/1.1\r\n\(beginning)\(key)\r\n", 200),
    ])
    func whatIsNoWebSocketIsAnsweredAsHTTP(_ request: String, _ status: Int) async throws {
        try await with { server in
            let client = try server.client()
            await client.send(request)
            let response = try await client.response()
            #expect(response.status == status, "\(response.text)")
        }
    }

    /// The codec reads nothing behind an offer, so that the connection has to end.
    @Test func connectionOfARefusedOfferIsClosed() async throws {
        try await with { server in
            let client = try server.client()
            await client.send("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == 200)
            #expect(response.fields["connection"] == "close")
            #expect(await client.isClosed())
        }
    }
}
