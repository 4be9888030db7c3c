import ServiceKitConfig
import Testing

@testable import ServiceKitHTTP

/// Pages of other sites.
@Suite(.timeLimit(.minutes(3)))
struct CORSTests {
    private static let yaml = "server: {http: {cors: {origins: ['https://a.example'], cookies: true}}}\n"

    private func preflight(_ origin: String) -> String {
        "OPTIONS /user.v1.UserService/GetUser HTTP/1.1\r\nHost: x\r\nOrigin: \(origin)\r\n"
            + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n"
    }

    @Test func preflightIsAnsweredBeforeRouting() async throws {
        try await HTTPTestServer.with(Self.yaml) { server in
            let client = try server.client()
            await client.send(preflight("https://a.example"))
            let allowed = try await client.response()
            #expect(allowed.status == 204)
            #expect(allowed.fields["access-control-allow-origin"] == "https://a.example")
            #expect(allowed.fields["access-control-allow-credentials"] == "true")
            #expect(allowed.fields["access-control-allow-headers"] == "content-type")
            #expect(allowed.fields["access-control-max-age"] == "7200")
            await client.send(preflight("https://b.example"))
            let refused = try await client.response()
            #expect(refused.fields["access-control-allow-origin"] == nil)
            #expect(refused.fields["vary"] == "origin")
        }
    }

    @Test func responseTellsWhichPagesMayReadIt() async throws {
        try await HTTPTestServer.with(Self.yaml) { server in
            for json in [#"{"id":1}"#, #"{"id":9}"#] {
                let response = try await server.post("GetUser", json: json, ["Origin: https://a.example"])
                #expect(response.fields["access-control-allow-origin"] == "https://a.example")
                #expect(response.fields["access-control-expose-headers"]?.contains("grpc-status") == true)
            }
        }
    }

    /// A cache may not give a page the response that was for nobody.
    @Test func responseToNoPageVariesToo() async throws {
        try await HTTPTestServer.with(Self.yaml) { server in
            let response = try await server.post("GetUser", json: #"{"id":1}"#)
            #expect(response.fields["vary"] == "origin")
            #expect(response.fields["access-control-allow-origin"] == nil)
        }
        try await HTTPTestServer.with("server: {http: {cors: {origins: ['*']}}}\n") { server in
            let response = try await server.post("GetUser", json: #"{"id":1}"#)
            #expect(response.fields["vary"] == nil)
        }
    }

    @Test func withoutOriginsNothingIsAllowed() async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            await client.send(preflight("https://a.example"))
            #expect(try await client.response().status == 405)
        }
    }

    @Test(arguments: [
        "{origins: ['*'], cookies: true}", "{origins: [a.example]}", "{origins: ['https://a.example/']}",
    ])
    func mistakesAreRefused(_ yaml: String) async throws {
        await #expect(throws: ConfigurationError.self) {
            try await HTTPTestServer.with("server: {http: {cors: \(yaml)}}\n") { _ in }
        }
    }
}
