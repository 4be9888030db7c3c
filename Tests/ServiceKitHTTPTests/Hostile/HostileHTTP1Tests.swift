import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// Requests of HTTP/1.1 as attackers and broken programs send them: each gets the right answer, and the server goes on.
@Suite(.timeLimit(.minutes(4)))
struct HostileHTTP1Tests {
    private static let live = HostileRequest.live
    private static let post = HostileRequest.post

    @Test(arguments: HostileRequest.tables)
    func requestsGetTheirAnswers(_ table: HostileRequest.Table) async throws {
        try await HTTPTestServer.with { server in
            for hostile in table.requests {
                do {
                    try await expectAnswer(to: hostile, from: server)
                } catch {
                    Issue.record("\(hostile): \(error)")
                }
            }
        }
    }

    private func expectAnswer(to hostile: HostileRequest, from server: HTTPTestServer) async throws {
        let client = try server.client()
        await client.send(hostile.bytes)
        // Others are served meanwhile.
        try await expectAlive(server)
        for status in hostile.statuses {
            let response = try await client.response()
            #expect(response.status == status, "\(hostile): \(response.text)")
        }
        switch hostile.end {
        case .closed:
            #expect(await client.isClosed(), "\(hostile)")
        case .kept:
            await client.send(Self.live)
            #expect(try await client.response().status == 200, "\(hostile)")
        }
    }

    /// A client that sends thousands of requests before it reads a response. Each is answered, in the order of the requests.
    /// None lies on the stack above the one before.
    @Test func requestsAtOnceAreAnswered() async throws {
        try await HTTPTestServer.with { server in
            let statuses = try await self.statuses(of: Self.live, count: 6000, server)
            #expect(Set(statuses) == [200])
        }
    }

    /// Calls, and calls that middleware refuses. Those have no body: a call that is refused before its body has come ends the
    /// connection.
    @Test(arguments: [
        ("", "Content-Length: 8\r\n\r\n{\"id\":1}", 500, 200),
        ("server: {rate-limit: {per-second: 0.001, burst: 1}}\n", "Content-Length: 0\r\n\r\n", 5000, 429),
    ])
    func callsAtOnceAreAnswered(_ yaml: String, _ rest: String, _ count: Int, _ status: Int) async throws {
        try await HTTPTestServer.with(yaml) { server in
            let first = Self.post + "Content-Length: 8\r\n\r\n{\"id\":1}"
            let statuses = try await self.statuses(of: Self.post + rest, count: count, behind: first, server)
            #expect(statuses.first == 200)
            #expect(Set(statuses.dropFirst()) == [status])
        }
    }

    /// The answers to a request that is sent many times at once.
    private func statuses(
        of request: String, count: Int, behind first: String = "", _ server: HTTPTestServer
    ) async throws -> [Int] {
        let client = try server.client()
        async let sent: Void = client.send(first + String(repeating: request, count: count))
        try await expectAlive(server)
        let statuses = try await client.statuses(first.isEmpty ? count : count + 1)
        await sent
        return statuses
    }

    @Test func bodyBeyondTheLimitIsRefused() async throws {
        try await HTTPTestServer.with("server: {grpc: {limits: {max-message: 1KiB}}}\n") { server in
            let response = try await server.post("GetUser", json: String(repeating: " ", count: 2000) + "{}")
            #expect(response.status == 429)
            #expect(response.text.contains("larger than 1024 bytes"))
            try await expectAlive(server)
        }
    }

    /// A document beyond 64 MiB, below and above the bound of messages.
    @Test func boundOfJSONIsThatOfMessages() async throws {
        try await HTTPTestServer.with("server: {grpc: {limits: {max-message: 66MiB}}}\n") { server in
            for (size, status) in [(65 << 20, 200), (67 << 20, 413)] {
                let client = try server.client()
                let end = Array(#"{"name":"a"}"#.utf8)
                await client.send(
                    "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        + "Content-Length: \(size)\r\n\r\n")
                async let response = client.response()
                await client.send([UInt8](repeating: UInt8(ascii: " "), count: size - end.count) + end)
                #expect(try await response.status == status)
            }
            try await expectAlive(server)
        }
    }

    /// A message in the query is held to the bound too.
    @Test func messageInTheQueryBeyondTheLimitIsRefused() async throws {
        try await HTTPTestServer.with("server: {grpc: {limits: {max-message: 1KiB}}}\n") { server in
            let client = try server.client()
            let spaces = String(repeating: "%20", count: 1100)
            await client.send(
                "GET /user.v1.UserService/GetUser?connect=v1&encoding=json&message=\(spaces)%7B%7D HTTP/1.1\r\n"
                    + "Host: x\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == 413, "\(response.text)")
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

    /// Heads that never end, whether their bytes come slowly or stop.
    @Test(arguments: ["", "G", "PRI * HT", "GET /livez HTTP/1.1\r\nHost: x\r\nA: "], [true, false])
    func headThatNeverEndsIsGivenUp(_ beginning: String, isSlow: Bool) async throws {
        try await HTTPTestServer.with("server: {grpc: {handshake-timeout: 300ms}}\n") { server in
            let client = try server.client()
            await client.send(beginning)
            if isSlow, beginning.count > 10 {
                async let rest = client.rest()
                await client.drip("a")
                #expect(await rest.isEmpty)
            } else {
                #expect(await client.rest().isEmpty)
            }
        }
    }

    /// Each byte of the body comes in time, the body does not.
    @Test func bodyThatComesSlowlyIsGivenUp() async throws {
        try await HTTPTestServer.with("server: {timeouts: {default: 300ms}}\n") { server in
            let client = try server.client()
            await client.send(Self.post + "Content-Length: 100000\r\n\r\n")
            async let response = client.response()
            await client.drip(" ")
            #expect(try await response.status == 504)
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

    @Test(arguments: [
        ("/nothing", "3", "404"), ("/v1/users", "99999999999", "413"), ("/livez", "3", "405"),
        ("/user.v1.UserService/GetUser", "8", "100"),
    ])
    func bodyThatIsOfNoUseIsNotAskedFor(_ path: String, _ length: String, _ status: String) async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            await client.send(
                "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(length)\r\nExpect: 100-continue\r\n\r\n")
            let line = String(decoding: try await client.bytes(12), as: UTF8.self)
            #expect(line == "HTTP/1.1 \(status)")
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
