import HTTPTypes
import ServiceContextModule
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitHTTP

/// Routes that belong to no method of a service.
@Suite(.timeLimit(.minutes(3)))
struct RouteTests {
    private func get(_ target: String, _ fields: String...) -> String {
        "GET \(target) HTTP/1.1\r\nHost: x\r\n" + fields.map { "\($0)\r\n" }.joined() + "\r\n"
    }

    @Test func requestReachesTheHandlerAndItsResponseTheClient() async throws {
        try await HTTPTestServer.with(extend: { app in
            app.http.get("/avatars/{id}/{path=**}") { request in
                let name = HTTPField.Name("x-name")
                return RouteResponse(
                    .accepted, headers: [.setCookie: "a=1", .connection: "close", .contentType: "text/x-test"],
                    body: .bytes(
                        Array(
                            [
                                request.parameters["id"] ?? "none", request.parameters["path"] ?? "none",
                                request.queryItem("size") ?? "none", request.head.method.rawValue,
                                name.flatMap { request.head.headerFields[$0] } ?? "none",
                            ].joined(separator: " ").utf8)))
            }
        }) { server in
            let client = try server.client()
            await client.send(get("/avatars/7%20a/x/y%2Fz?size=2+3", "X-Name: Ada"))
            let response = try await client.response()
            #expect(response.status == 202)
            #expect(response.text == "7 a x/y%2Fz 2 3 GET Ada")
            #expect(response.fields["set-cookie"] == "a=1")
            #expect(response.fields["content-type"] == "text/x-test")
            // Headers of the connection are the server's.
            #expect(response.fields["connection"] == nil)
        }
    }

    /// Its connection lives on.
    @Test func handlerThatGoesOnAfterItsDeadlineIsAnsweredWithTheDeadline() async throws {
        try await HTTPTestServer.with(extend: { app in
            app.http.get("/slow") { _ in
                try? await Task.sleep(for: .seconds(600))
                return RouteResponse(text: "late")
            }
            app.http.get("/page") { _ in RouteResponse(text: "page") }
        }) { server in
            let client = try server.client()
            await client.send(get("/slow", "X-Request-Timeout: 20ms") + get("/page"))
            #expect(try await client.response().status == 504)
            #expect(try await client.response().text == "page")
        }
    }

    /// The second request is opened by the end of the first, whose task then still runs.
    @Test func requestsThatComeAtOnceShareNoContext() async throws {
        try await HTTPTestServer.with(extend: { app in
            app.use(MarkingMiddleware())
            app.http.get("/mark") { _ in
                let mark = ServiceContext.current?[Mark.self] ?? "none"
                // The response is sent when the event loop comes back to the task.
                try await Task.sleep(for: .milliseconds(1))
                return RouteResponse(text: mark)
            }
        }) { server in
            let client = try server.client()
            await client.send(
                get("/mark", "X-Mark: first") + get("/mark") + get("/mark", "X-Mark: third") + get("/mark"))
            for mark in ["first", "none", "third", "none"] { #expect(try await client.response().text == mark) }
        }
    }

    @Test func allowNamesHeadToo() async throws {
        try await HTTPTestServer.with(extend: { app in
            app.http.get("/page") { _ in RouteResponse(text: "page") }
            app.http.put("/page") { _ in RouteResponse(text: "page") }
            app.http.post("/form") { _ in RouteResponse(text: "form") }
        }) { server in
            let client = try server.client()
            // A method of a service is not called by HEAD.
            for (path, allow) in [("/page", "GET, HEAD, PUT"), ("/form", "POST"), ("/v1/users/1", "GET")] {
                await client.send("PATCH \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
                let response = try await client.response()
                #expect(response.status == 405)
                #expect(response.fields["allow"] == allow)
            }
        }
    }

    @Test(arguments: [
        ("a=%41+b", "A b"), ("a=%+1", "%+1".replacing("+", with: " ")), ("a=%-1", "%-1"), ("a=%4", "%4"), ("a=%", "%"),
        ("a=1&a=2", "2"), ("%61=1", "1"), ("a", ""), ("a=b=c", "b=c"), ("a=%zz%41", "%zzA"),
    ])
    func queryIsUnescaped(_ query: String, _ value: String) {
        #expect(QueryItems(query)["a"] == value)
    }

    @Test func headHasTheHeadOfGet() async throws {
        try await HTTPTestServer.with(extend: { app in
            app.http.get("/page") { _ in RouteResponse(text: "twelve bytes") }
        }) { server in
            let client = try server.client()
            await client.send("HEAD /page HTTP/1.1\r\nHost: x\r\n\r\n" + get("/page"))
            let head = try await client.response(hasBody: false)
            #expect(head.fields["content-length"] == "12")
            #expect(try await client.response().text == "twelve bytes")
        }
    }

    @Test func errorOfAHandlerIsTheResponse() async throws {
        try await HTTPTestServer.with(extend: { app in
            app.http.post("/orders") { _ in
                throw ServiceError(.init(rawValue: 410), reason: "GONE", message: "there are no orders any more")
            }
        }) { server in
            let client = try server.client()
            await client.send("POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" + get("/orders"))
            let response = try await client.response()
            #expect(response.status == 410)
            #expect(
                response.text
                    == #"{"code":410,"reason":"GONE","message":"there are no orders any more","metadata":{}}"#)
            #expect(response.fields["x-http-status"] == nil)
            let other = try await client.response()
            #expect(other.status == 405)
            #expect(other.fields["allow"] == "POST")
        }
    }

    @Test func bodiesStreamBothWays() async throws {
        try await HTTPTestServer.with(extend: { app in
            app.http.put("/echo") { request in
                RouteResponse(
                    body: .stream { body in
                        for try await piece in request.body { try await body.write(piece) }
                    })
            }
        }) { server in
            let client = try server.client()
            await client.send("PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            // It comes back before the request has ended.
            #expect(try await client.firstChunk() == "hello")
            let large = String(repeating: "x", count: 200_000)
            await client.send("\(String(large.count, radix: 16))\r\n\(large)\r\n0\r\n\r\n")
            _ = try await client.rest(upTo: "0\r\n\r\n", containing: large.count)
        }
    }

    @Test func bodyBeyondTheLimitIs413() async throws {
        try await HTTPTestServer.with(extend: { app in
            app.http.post("/small") { RouteResponse(text: "\(try await $0.body.collect(upTo: 4).count)") }
        }) { server in
            for (body, status) in [("1234", 200), ("12345", 413)] {
                let client = try server.client()
                await client.send("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n\(body)")
                #expect(try await client.response().status == status)
            }
        }
    }

    @Test func bodyOfAnotherLengthThanWasSaidIsBrokenOff() async throws {
        try await HTTPTestServer.with(extend: { app in
            app.http.get("/short") { _ in RouteResponse(body: .stream(length: 10) { try await $0.write("short") }) }
            app.http.get("/long") { _ in RouteResponse(body: .stream(length: 3) { try await $0.write("long") }) }
            app.http.get("/fails") { _ in
                RouteResponse(
                    body: .stream { body in
                        try await body.write("a part")
                        throw ServiceError(.internalError, reason: "BROKEN", message: "the disk is gone")
                    })
            }
        }) { server in
            for (path, part) in [("/short", "\r\n\r\nshort"), ("/long", "\r\n\r\n"), ("/fails", "6\r\na part\r\n")] {
                let client = try server.client()
                await client.send(get(path))
                // The connection ends without the end of the response.
                let text = String(decoding: await client.rest(), as: UTF8.self)
                #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(text.hasSuffix(part), "\(text)")
            }
        }
    }

    @Test func clientThatLeavesCancelsTheHandler() async throws {
        let cancelled = Shared(false)
        try await HTTPTestServer.with(extend: { app in
            app.http.get("/wait") { _ in
                RouteResponse(
                    body: .stream { body in
                        try await body.write("first")
                        do {
                            try await Task.sleep(for: .seconds(600))
                        } catch {
                            cancelled.update { $0 = true }
                        }
                    })
            }
        }) { server in
            let client = try server.client()
            await client.send(get("/wait"))
            #expect(try await client.firstChunk() == "first")
            client.leave()
            try await eventually { cancelled.value }
        }
    }

    @Test func middlewareGuardsRoutes() async throws {
        let yaml = """
            server:
              authorization: {rules: [{effect: deny, methods: ["/http/GET/secret/{name}"]}, {methods: [/http/*]}]}
              timeouts: {methods: {"/http/GET/slow": 50ms}}

            """
        try await HTTPTestServer.with(
            yaml,
            extend: { app in
                app.http.get("/secret/{name}") { _ in RouteResponse(text: "secret") }
                app.http.get("/open") { _ in RouteResponse(text: "open") }
                app.http.get("/slow") { _ in
                    try await Task.sleep(for: .seconds(600))
                    return RouteResponse(text: "slow")
                }
            }
        ) { server in
            let client = try server.client()
            await client.send(get("/secret/a") + get("/open") + get("/slow"))
            #expect(try await client.response().status == 403)
            #expect(try await client.response().status == 200)
            #expect(try await client.response().status == 504)
        }
    }

    /// The operation of a route is no path of HTTP, and no method of gRPC.
    @Test func operationIsNoPath() async throws {
        try await HTTPTestServer.with(extend: { app in
            app.http.get("/open") { _ in RouteResponse(text: "open") }
        }) { server in
            let client = try server.client()
            await client.send(get("/http/GET/open"))
            #expect(try await client.response().status == 404)
            #expect(try await server.post("../http/GET/open", json: "{}").status == 404)
        }
    }

    @Test func routesNeedNoService() async throws {
        let app = try App(
            configuration: Configuration(yaml: "app: {name: page-service}\nshutdown: {lame-duck: 0}\n"),
            plugins: [.http], registry: MemoryRegistry(), environment: [:])
        app.http.get("/") { _ in RouteResponse(text: "home") }
        try await withRunning(app) {
            let endpoints = app.snapshot().servers.flatMap(\.endpoints)
            let client = try RawClient(port: #require(endpoints.first { $0.scheme == "http" }).port)
            await client.send(get("/"))
            #expect(try await client.response().text == "home")
        }
    }

    @Test(arguments: [
        ("/a/{id", "the path /a/{id"),
        ("/users", "the route GET /users and the route GET /users both answer GET /users"),
    ])
    func wrongRoutesAreErrorsAtTheStart(_ path: String, _ message: String) async throws {
        let app = try App(
            configuration: Configuration(yaml: "app: {name: page-service}\n"), plugins: [.http],
            registry: MemoryRegistry(), environment: [:])
        app.http.get("/users") { _ in RouteResponse() }
        app.http.get(path) { _ in RouteResponse() }
        let error = await #expect(throws: AppError.self) { try await app.run() }
        #expect("\(error as Any)".contains(message), "\(error as Any)")
    }

    @Test func routesWithoutThePluginAreAnErrorAtTheStart() async throws {
        let app = try App(
            configuration: Configuration(yaml: "app: {name: page-service}\n"), plugins: [],
            registry: MemoryRegistry(), environment: [:])
        app.http.get("/users") { _ in RouteResponse() }
        let error = await #expect(throws: AppError.self) { try await app.run() }
        #expect("\(error as Any)".contains("plugins: [.http]"))
    }
}

private enum Mark: ServiceContextKey {
    typealias Value = String
}

/// Puts a header into the context of a call.
private struct MarkingMiddleware: SynchronousMiddleware {
    func beginServing(_ call: inout Call) {
        if let mark = call.metadata["x-mark"] { call.context[Mark.self] = mark }
    }
}
