import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// curl, over each version of HTTP, with and without TLS, on the port of gRPC.
@Suite(.timeLimit(.minutes(3)))
struct CurlTests {
    private func curl(_ arguments: String...) async throws -> String {
        let path = try #require(RunningProgram.path(of: "curl"))
        let result = try await RunningProgram.run(path, ["--silent", "--show-error", "--max-time", "20"] + arguments)
        #expect(result.exit == .exited(0), "\(result.errors)")
        return result.output
    }

    @Test(arguments: [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2"), ("--http2", "1.1")])
    func clearText(_ option: String, _ version: String) async throws {
        try await HTTPTestServer.with { server in
            let output = try await curl(
                option, "http://127.0.0.1:\(server.port)/user.v1.UserService/GetUser", "--json", #"{"id":1}"#,
                "--write-out", " %{http_version} %{http_code}")
            #expect(output == #"{"id":"1","name":"Ada","email":""} \#(version) 200"#)
        }
    }

    @Test(arguments: [("--http1.1", "1.1"), ("--http2", "2")])
    func tls(_ option: String, _ version: String) async throws {
        try await TestCertificates.with { certificates in
            let tls = """
                server:
                  grpc:
                    tls: {certificate: \(certificates.path("server.pem")), key: \(certificates.path("server.key"))}

                """
            try await HTTPTestServer.with(tls) { server in
                let output = try await curl(
                    option, "https://localhost:\(server.port)/user.v1.UserService/GetUser", "--json", #"{"id":9}"#,
                    "--connect-to", "localhost:\(server.port):127.0.0.1:\(server.port)",
                    "--cacert", certificates.path("authority.pem"), "--write-out", " %{http_version} %{http_code}")
                #expect(output.hasSuffix(" \(version) 404"))
                #expect(output.hasPrefix(#"{"code":"not_found""#))
            }
        }
    }

    /// A response to HEAD has no body, whatever answers. curl sees to that over HTTP/2.
    @Test(arguments: ["--http1.1", "--http2-prior-knowledge"])
    func headHasNoBody(_ option: String) async throws {
        try await HTTPTestServer.with(extend: { app in
            app.http.get("/page") { _ in RouteResponse(text: "page") }
            app.http.get("/stream") { _ in
                RouteResponse(body: .stream { body in try await body.write("stream") })
            }
        }) { server in
            for (path, status) in [
                ("/livez", 200), ("/page", 200), ("/stream", 200), ("/nothing", 404), ("/v1/users/1", 405),
                ("/user.v1.UserService/GetUser", 405), ("/openapi", 200), ("/openapi.json", 200),
            ] {
                let output = try await curl(
                    option, "--head", "http://127.0.0.1:\(server.port)\(path)", "--output", "/dev/null", "--write-out",
                    "%{http_code} %{size_download}")
                #expect(output == "\(status) 0", "\(path)")
            }
        }
    }

    @Test func largeBodiesPassBothWays() async throws {
        try await HTTPTestServer.with { server in
            let name = String(repeating: "é", count: 700_000)
            let file = FileManager.default.temporaryDirectory.appending(path: "body-\(UUID()).json")
            try Data(#"{"name":"\#(name)"}"#.utf8).write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            for option in ["--http1.1", "--http2-prior-knowledge"] {
                let output = try await curl(
                    option, "http://127.0.0.1:\(server.port)/user.v1.UserService/CreateUser",
                    "--header", "content-type: application/json", "--data-binary",
                    "@\(file.path(percentEncoded: false))")
                #expect(output == #"{"id":"0","name":"\#(name)","email":""}"#)
            }
        }
    }
}
