import HTTPTypes
import ServiceKit
import ServiceKitHTTP2
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// The form of responses over REST, as programs and configuration change it.
@Suite(.timeLimit(.minutes(3)))
struct ReplyTests {
    private func with(
        _ yaml: String = "", extend: (App) -> Void = { _ in }, _ body: (RawClient) async throws -> Void
    ) async throws {
        try await HTTPTestServer.with(yaml, extend: extend) { server in
            try await body(try server.client())
        }
    }

    private func get(_ target: String, _ fields: String...) -> String {
        "GET \(target) HTTP/1.1\r\nHost: x\r\n" + fields.map { "\($0)\r\n" }.joined() + "\r\n"
    }

    private func create(_ name: String, _ fields: String...) -> String {
        let body = #"{"name":"\#(name)"}"#
        return "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            + fields.map { "\($0)\r\n" }.joined() + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func programChangesStatusHeadersAndEnvelope() async throws {
        try await with(extend: { app in
            app.http.adjust("/user.v1.UserService/CreateUser") { reply in
                if reply.error == nil { reply.status = .created }
                reply.headers[.setCookie] = "session=1"
            }
            app.http.adjust("/user.v1.UserService/") { reply in
                reply.body = Array(#"{"code":\#(reply.error == nil ? 0 : 1),"data":"#.utf8) + reply.body + "}".utf8
            }
        }) { client in
            await client.send(create("Ada") + get("/v1/users/9"))
            let created = try await client.response()
            #expect(created.status == 201)
            #expect(created.fields["set-cookie"] == "session=1")
            #expect(created.text == #"{"code":0,"data":{"id":"0","name":"Ada","email":""}}"#)
            let missing = try await client.response()
            #expect(missing.status == 404)
            #expect(missing.fields["set-cookie"] == nil)
            #expect(missing.text.hasPrefix(#"{"code":1,"data":{"code":404,"#))
        }
    }

    /// A type that a stranger has written adds no headers.
    @Test func typeWithALinesEndIsNone() async throws {
        try await with(extend: { app in
            app.http.adjust("*") { $0.contentType = "text/html\r\nset-cookie: a=b" }
        }) { client in
            await client.send(get("/v1/users/1"))
            let response = try await client.response()
            #expect(response.fields["set-cookie"] == nil)
            #expect(response.fields["content-type"] == "application/octet-stream")
        }
    }

    @Test func noContentHasNoBody() async throws {
        try await with(extend: { $0.http.adjust("*") { $0.status = .noContent } }) { client in
            await client.send(get("/v1/users/1") + get("/livez"))
            let response = try await client.response()
            #expect(response.status == 204)
            #expect(response.fields["content-length"] == nil)
            #expect(response.fields["content-type"] == nil)
            #expect(try await client.response().text == "ok\n")
        }
    }

    @Test func errorsOfGoogle() async throws {
        try await with("server: {http: {errors: google}}\n") { client in
            await client.send(get("/v1/users/9") + get("/nothing") + get("/v1/users/x"))
            let response = try await client.response()
            #expect(response.status == 404)
            #expect(
                response.text == #"{"code":5,"message":"there is no user 9","details":["#
                    + #"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"USER_NOT_FOUND","domain":"","#
                    + #""metadata":{"id":"9"}}]}"#)
            #expect(
                try await client.response().text
                    == #"{"code":5,"message":"there is nothing at \"/nothing\"","details":[]}"#)
            #expect(try await client.response().text.hasPrefix(#"{"code":3,"message":"#))
        }
    }

    @Test func methodHasJSONOfItsOwn() async throws {
        let yaml = "server: {http: {methods: {/user.v1.UserService/GetUser: {json: {int64-as-number: true}}}}}\n"
        try await with(yaml) { client in
            await client.send(get("/v1/users/1") + create("Ada"))
            let user = try await client.response()
            #expect(user.text == #"{"id":1,"name":"Ada","email":""}"#)
            let created = try await client.response()
            #expect(created.text == #"{"id":"0","name":"Ada","email":""}"#)
        }
    }

    @Test func methodThatIsNoPathIsAMistake() async throws {
        let yaml = "server: {http: {methods: {GetUser: {}}}}\n"
        let error = await #expect(throws: (any Error).self) {
            try await HTTPTestServer.with(yaml) { _ in }
        }
        #expect("\(error as Any)".contains("\"GetUser\" is no operation"), "\(error as Any)")
    }

    @Test func longResponsesAreCompressedForClientsThatReadIt() async throws {
        try await with(
            "server: {http: {compression: {algorithm: gzip}}}\n",
            extend: { app in
                app.http.get("/page") { _ in RouteResponse(text: String(repeating: "x", count: 5000)) }
                app.http.get("/picture") { _ in
                    RouteResponse(body: [UInt8](repeating: 1, count: 5000), contentType: "image/png")
                }
            }
        ) { client in
            let name = String(repeating: "Ada ", count: 1000)
            for (request, isCompressed) in [
                (create(name, "Accept-Encoding: br, gzip"), true), (create(name), false),
                (create("Ada", "Accept-Encoding: gzip"), false), (create(name, "Accept-Encoding: gzip;q=0"), false),
                (get("/page", "Accept-Encoding: gzip"), true), (get("/picture", "Accept-Encoding: gzip"), false),
            ] {
                await client.send(request)
                let response = try await client.response()
                #expect(response.status == 200)
                #expect(response.fields["content-encoding"] == (isCompressed ? "gzip" : nil), "\(request.prefix(80))")
                #expect(response.fields["vary"] == "accept-encoding")
                #expect(isCompressed ? response.body.count < 200 : response.body.count > 30)
            }
        }
    }

    @Test(arguments: [
        ("", false), ("gzip", true), ("GZIP", true), ("br, gzip;q=0.5", true), ("gzip;q=0", false), ("*", true),
        ("*;q=0", false), ("*, gzip;q=0", false), ("gzip ; q=0.0", false), ("gzip;q=x", false), ("deflate", false),
    ])
    func acceptedEncodings(_ header: String, _ isAccepted: Bool) {
        #expect(BodyCompression.acceptsGzip(header) == isAccepted)
    }
}
