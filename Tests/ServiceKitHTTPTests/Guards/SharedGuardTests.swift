import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// What guards gRPC guards HTTP: the same chain is around the calls of every protocol.
@Suite(.timeLimit(.minutes(3)))
struct SharedGuardTests {
    private struct Recorder: Middleware {
        let calls: Shared<[String]>

        func begin(_ call: inout Call) async throws {
            let line = "\(call.transport) \(call.operation)"
            calls.update { $0.append(line) }
            call.onEnd { [calls] _, result in
                let end = result.error == nil ? "ok" : "failed"
                calls.update { $0.append(end) }
            }
        }
    }

    private struct Refusal: Middleware {
        func begin(_ call: inout Call) async throws {
            throw ServiceError(.forbidden, reason: "NOT_TODAY", message: "not today")
        }
    }

    @Test func middlewareIsAroundEveryProtocol() async throws {
        let calls = Shared<[String]>([])
        try await HTTPTestServer.with(extend: { $0.use(Recorder(calls: calls)) }) { server in
            _ = try await server.post("GetUser", json: #"{"id":1}"#)
            _ = try await server.post("GetUser", json: #"{"id":9}"#)
            _ = try await server.post("ListUsers", "application/connect+json", envelope("{}"))
            _ = try await server.post("GetUser", "application/grpc-web", [0, 0, 0, 0, 2, 8, 1])
        }
        let path = "http /user.v1.UserService"
        #expect(
            calls.value == [
                "\(path)/GetUser", "ok", "\(path)/GetUser", "failed", "\(path)/ListUsers", "ok", "\(path)/GetUser",
                "ok",
            ])
    }

    @Test func refusalReachesEveryProtocolInItsForm() async throws {
        try await HTTPTestServer.with(extend: { $0.use(Refusal()) }) { server in
            let unary = try await server.post("GetUser", json: #"{"id":1}"#)
            #expect(unary.status == 403)
            #expect(unary.text.contains(#""code":"permission_denied","message":"not today""#))
            let stream = try await server.post("ListUsers", "application/connect+json", envelope("{}"))
            #expect(pieces(stream.body).map(\.flags) == [2])
            let web = try await server.post("GetUser", "application/grpc-web", [0, 0, 0, 0, 2, 8, 1])
            #expect(pieces(web.body).last?.text.hasPrefix("grpc-status: 7\r\n") == true)
        }
    }

    /// A section of the server, the number of calls before the refused one, and the code that it is refused with.
    @Test(arguments: [
        ("authorization: {rules: [{effect: deny, methods: [/user.v1.UserService/]}]}", 0, 403, "permission_denied"),
        ("rate-limit: {per-second: 0.001, burst: 2}", 2, 429, "resource_exhausted"),
        ("faults: {abort: {status: UNAVAILABLE}}", 0, 503, "unavailable"),
    ])
    func sectionOfTheServerCounts(_ section: String, _ served: Int, _ status: Int, _ code: String) async throws {
        try await HTTPTestServer.with("server: {\(section)}\n") { server in
            for _ in 0..<served { #expect(try await server.post("GetUser", json: #"{"id":1}"#).status == 200) }
            let refused = try await server.post("GetUser", json: #"{"id":1}"#)
            #expect(refused.status == status)
            #expect(refused.text.contains(#""code":"\#(code)""#))
        }
    }

    /// A caller over HTTP knows `Retry-After`.
    @Test(arguments: [("0.5", "2"), ("100", "1"), ("0.001", "60")])
    func refusalOfTheRateLimitSaysWhenToTryAgain(rate: String, seconds: String) async throws {
        try await HTTPTestServer.with("server: {rate-limit: {per-second: \(rate), burst: 1}}\n") { server in
            var response = try await server.post("GetUser", json: #"{"id":1}"#)
            while response.status == 200 { response = try await server.post("GetUser", json: #"{"id":1}"#) }
            #expect(response.status == 429 && response.fields["retry-after"] == seconds)
            let client = try server.client()
            repeat {
                await client.send("GET /v1/users/1 HTTP/1.1\r\nHost: x\r\n\r\n")
                response = try await client.response()
            } while response.status == 200
            #expect(response.status == 429 && response.fields["retry-after"] == seconds)
        }
    }

    @Test func timeLimitOfTheServerCounts() async throws {
        try await HTTPTestServer.with("server: {timeouts: {default: 50ms}}\n") { server in
            let response = try await server.post("WatchUsers", "application/connect+json", envelope("{}"))
            #expect(pieces(response.body).last?.text.contains("deadline_exceeded") == true)
            try await eventually { server.users.running.value == 0 }
        }
    }

    @Test func callsInFlightOfAllProtocolsShareTheLimit() async throws {
        try await HTTPTestServer.with("server: {limit: {concurrency: fixed, fixed: {max: 1}}}\n") { server in
            let client = try server.client()
            let body = envelope("{}")
            await client.send(
                "POST /user.v1.UserService/WatchUsers HTTP/1.1\r\nHost: x\r\nContent-Type: application/connect+json\r\n"
                    + "Content-Length: \(body.count)\r\n\r\n")
            await client.send(body)
            try await eventually { server.users.running.value == 1 }
            #expect(try await server.post("GetUser", json: #"{"id":1}"#).status == 429)
            client.leave()
            try await eventually { try await server.post("GetUser", json: #"{"id":1}"#).status == 200 }
        }
    }

    @Test func headersTravelOn() async throws {
        let seen = Shared<[String?]>([])
        try await HTTPTestServer.with(extend: { $0.use(HeaderReader(seen: seen)) }) { server in
            _ = try await server.post("GetUser", json: "{}", ["X-MD-Global-Lane: blue", "Authorization: Bearer x"])
        }
        #expect(seen.value == ["blue", "Bearer x"])
    }

    private struct HeaderReader: Middleware {
        let seen: Shared<[String?]>

        func begin(_ call: inout Call) async throws {
            let values = [call.metadata["x-md-global-lane"], call.metadata["authorization"]]
            seen.update { $0 += values }
        }
    }

    @Test func probesAreNotGuarded() async throws {
        try await HTTPTestServer.with(extend: { $0.use(Refusal()) }) { server in
            for path in ["/livez", "/readyz"] {
                let client = try server.client()
                await client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.response().status == 200)
            }
        }
    }
}
