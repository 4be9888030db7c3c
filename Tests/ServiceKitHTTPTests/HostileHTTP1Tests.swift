import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// Requests of HTTP/1.1 as attackers and broken programs send them: each gets the right answer, and the server goes on.
@Suite(.timeLimit(.minutes(2)))
struct HostileHTTP1Tests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: String
        /// The statuses of the answers; none for a connection that closes without one.
        let statuses: [Int]

        init(_ name: String, _ bytes: String, _ statuses: Int...) {
            (self.name, self.bytes, self.statuses) = (name, bytes, statuses)
        }

        var testDescription: String { name }
    }

    private static let live = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    private static let post =
        "POST /user.v1.UserService/GetUser HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

    /// Each is answered with its status, and the connection closes.
    static let refused: [Case] = [
        Case("both lengths", post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        Case("both lengths, the other way", post + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}", 400),
        Case("two lengths", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
        Case("two equal lengths in a list", post + "Content-Length: 2, 2\r\n\r\n{}", 400),
        Case("a negative length", post + "Content-Length: -1\r\n\r\n", 400),
        Case("a length with a sign", post + "Content-Length: +2\r\n\r\n{}", 400),
        Case("a length in hex", post + "Content-Length: 0x2\r\n\r\n{}", 400),
        Case("a length beyond 64 bits", post + "Content-Length: 99999999999999999999\r\n\r\n{}", 400),
        Case("a length of spaces", post + "Content-Length: 1 1\r\n\r\n{}", 400),
        Case("an unknown transfer encoding", post + "Transfer-Encoding: gzip\r\n\r\n", 400),
        Case("chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        Case("chunked not last", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
        Case("chunked with a vertical tab", post + "Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n", 400),
        Case(
            "chunked over HTTP/1.0",
            post.replacingOccurrences(of: "1.1", with: "1.0") + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        Case("space before the colon", "GET /livez HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        Case("a folded line", "GET /livez HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
        Case("no host", "GET /livez HTTP/1.1\r\n\r\n", 400),
        Case("two hosts", "GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        Case("a null in a value", "GET /livez HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 400),
        Case("a null in a name", "GET /livez HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n", 400),
        Case("a bare CR in a value", "GET /livez HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400),
        Case("a line without a colon", "GET /livez HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n", 400),
        Case("a name that is empty", "GET /livez HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", 400),
        Case("a name with parentheses", "GET /livez HTTP/1.1\r\nHost: x\r\na(b): c\r\n\r\n", 400),
        Case("a method in lower case", "get /livez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        Case("an unknown method", "FROB /livez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        Case("no method", " /livez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        Case("no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        Case("a target that is no path", "GET livez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        Case("a target with a space", "GET /li vez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        Case("no version", "GET /livez\r\n\r\n", 400),
        Case("version 0.9", "GET /livez HTTP/0.9\r\nHost: x\r\n\r\n", 400),
        Case("version 1.2", "GET /livez HTTP/1.2\r\nHost: x\r\n\r\n", 400),
        Case("version 2.0 in text", "GET /livez HTTP/2.0\r\nHost: x\r\n\r\n", 400),
        Case("version 3", "GET /livez HTTP/3\r\nHost: x\r\n\r\n", 400),
        Case("a version that is none", "GET /livez HTTQ/1.1\r\nHost: x\r\n\r\n", 400),
        Case("garbage", "\u{1}\u{2}\u{3}\u{4}\r\n\r\n", 400),
        Case("an answer", "HTTP/1.1 200 OK\r\n\r\n", 400),
        Case("a preface that goes wrong", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 400),
        Case("an expectation that is unknown", post + "Content-Length: 2\r\nExpect: miracles\r\n\r\n", 417),
        Case(
            "a giant field", "GET /livez HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 20_000))\r\n\r\n",
            431),
        Case(
            "giant fields",
            "GET /livez HTTP/1.1\r\nHost: x\r\n"
                + (0..<100).map { "A\($0): \(String(repeating: "a", count: 200))\r\n" }.joined() + "\r\n", 431),
        Case("a giant target", "GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        Case(
            "many fields", "GET /livez HTTP/1.1\r\nHost: x\r\n" + (0..<200).map { "A\($0): b\r\n" }.joined() + "\r\n",
            431),
        Case("a timeout that is none", post + "Content-Length: 2\r\nX-Request-Timeout: soon\r\n\r\n{}", 400),
        Case("a binary header that is not base64", post + "Content-Length: 2\r\nA-Bin: *\r\n\r\n{}", 400),
    ]

    @Test(arguments: refused)
    func isRefused(_ hostile: Case) async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            await client.send(hostile.bytes)
            for status in hostile.statuses {
                let response = try await client.response()
                #expect(response.status == status, "\(response.text)")
            }
            try await expectAlive(server)
        }
    }

    /// Each is served as it stands.
    static let served: [Case] = [
        Case("two requests at once", live + live, 200, 200),
        Case(
            "ten requests at once", String(repeating: live, count: 10), 200, 200, 200, 200, 200, 200, 200, 200, 200, 200
        ),
        Case("empty lines before a request", "\r\n\r\n" + live, 200),
        Case("an absolute target", "GET http://other/livez HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        Case("HTTP/1.0", "GET /livez HTTP/1.0\r\n\r\n", 200),
        Case(
            "a body in chunks", post + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n" + live, 404,
            200),
        Case(
            "chunks with extensions and trailers",
            post + "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nA: b\r\n\r\n", 404),
        Case("a body of a GET", "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + live, 200, 200),
        Case(
            "an upgrade to HTTP/2", "GET /livez HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 200
        ),
        Case(
            "an unknown upgrade", "GET /livez HTTP/1.1\r\nHost: x\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n", 200),
        Case("every target", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        Case("another method than POST", "DELETE /user.v1.UserService/GetUser HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        Case("a path that climbs", "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        Case("a field of spaces", "GET /livez HTTP/1.1\r\nHost: x\r\nA:   \r\n\r\n", 200),
    ]

    @Test(arguments: served)
    func isServed(_ unusual: Case) async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            await client.send(unusual.bytes)
            for status in unusual.statuses {
                let response = try await client.response()
                #expect(response.status == status, "\(response.text)")
            }
            try await expectAlive(server)
        }
    }

    /// Chunks that are wrong end the request in the middle of its body.
    @Test(arguments: ["g\r\n", "-1\r\n", "fffffffffffffffff\r\n", "2\r\n{}x\r\n", "1\n{", "\r\n"])
    func wrongChunkEndsTheConnection(_ chunk: String) async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            await client.send(Self.post + "Transfer-Encoding: chunked\r\n\r\n" + chunk)
            let bytes = await client.rest()
            #expect(!String(decoding: bytes, as: UTF8.self).contains("200 OK"))
            try await expectAlive(server)
        }
    }

    @Test func bodyBeyondTheLimitIsRefused() async throws {
        try await HTTPTestServer.with("server: {grpc: {limits: {max-message: 1KiB}}}\n") { server in
            let response = try await server.post("GetUser", json: String(repeating: " ", count: 2000) + "{}")
            #expect(response.status == 429)
            #expect(response.text.contains("larger than 1024 bytes"))
            try await expectAlive(server)
        }
    }

    @Test func bodyThatNeverComesIsGivenUp() async throws {
        try await HTTPTestServer.with("server: {http: {body-timeout: 200ms}}\n") { server in
            let client = try server.client()
            await client.send(Self.post + "Content-Length: 10\r\n\r\n{")
            let response = try await client.response()
            #expect(response.status == 408)
            #expect(await client.isClosed())
            try await expectAlive(server)
        }
    }

    @Test func headThatNeverEndsIsGivenUp() async throws {
        try await HTTPTestServer.with("server: {grpc: {handshake-timeout: 1s}}\n") { server in
            for beginning in ["", "G", "PRI * HT", "GET /livez HTTP/1.1\r\nHost: x\r\nA: "] {
                let client = try server.client()
                await client.send(beginning)
                #expect(await client.rest().isEmpty)
            }
            try await expectAlive(server)
        }
    }

    @Test func idleConnectionIsClosed() async throws {
        try await HTTPTestServer.with("server: {http: {idle-timeout: 200ms}}\n") { server in
            let client = try server.client()
            await client.send(Self.live)
            #expect(try await client.response().status == 200)
            #expect(await client.isClosed())
        }
    }

    @Test func bodyIsAskedFor() async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            await client.send(Self.post + "Content-Length: 8\r\nExpect: 100-continue\r\n\r\n")
            await client.send(#"{"id":1}"#)
            #expect(try await client.response().status == 200)
        }
    }

    @Test func headHasNoBody() async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            await client.send("HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n" + Self.live)
            let head = try await client.response(hasBody: false)
            #expect(head.status == 200)
            #expect(head.fields["content-length"] == "3")
            #expect(try await client.response().text == "ok\n")
        }
    }

    @Test func connectionClosesWhereItsRequestSaysSo() async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            await client.send("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let response = try await client.response()
            #expect(response.fields["connection"] == "close")
            #expect(await client.isClosed())
        }
    }

    private func expectAlive(_ server: HTTPTestServer) async throws {
        let client = try server.client()
        await client.send(Self.live)
        #expect(try await client.response().status == 200)
    }
}
