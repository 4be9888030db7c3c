import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// The end of a server under HTTP/1.1.
@Suite(.timeLimit(.minutes(3)))
struct DrainTests {
    private static let request =
        "POST /user.v1.UserService/GetUser HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        + "Content-Length: 8\r\n\r\n{\"id\":1}"

    @Test func drainAnswersEveryRequestOnAnOpenConnection() async throws {
        let answered = Shared(0)
        let told = Shared(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await HTTPTestServer.with { server in
                for _ in 0..<16 {
                    let client = try server.client()
                    group.addTask {
                        var last = ContinuousClock.now
                        while true {
                            let start = ContinuousClock.now
                            await client.send(Self.request)
                            // The server's second begins after the request before, at the earliest.
                            let isSentSoon = ContinuousClock.now - last < .milliseconds(800)
                            last = start
                            let response: RawClient.Response
                            do {
                                response = try await client.response()
                            } catch where !isSentSoon {
                                // A connection without a request for a second is closed.
                                told.update { $0 += 1 }
                                return
                            }
                            #expect(response.status == 200)
                            answered.update { $0 += 1 }
                            if response.fields["connection"] == "close" {
                                told.update { $0 += 1 }
                                return
                            }
                        }
                    }
                }
                try await eventually { answered.value > 200 }
            }
            try await group.waitForAll()
        }
        #expect(told.value == 16)
    }

    @Test func idleConnectionIsClosedSoon() async throws {
        var client: RawClient?
        try await HTTPTestServer.with { server in
            client = try server.client()
            await client?.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client?.response().status == 200)
        }
        #expect(await client?.isClosed() == true)
    }

    @Test func connectionThatHasSaidNothingIsClosedSoon() async throws {
        var client: RawClient?
        try await HTTPTestServer.with { server in
            client = try server.client()
            // The server has it when it answers the next.
            let next = try server.client()
            await next.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await next.response().status == 200)
        }
        #expect(await client?.isClosed() == true)
    }
}
