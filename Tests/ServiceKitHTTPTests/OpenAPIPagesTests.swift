import Foundation
import HTTPTypes
import ServiceKit
import ServiceKitProtobuf
import ServiceKitSampleAPI
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitHTTP

/// `/openapi.json` and `/openapi`, and the calls that they describe.
@Suite(.timeLimit(.minutes(3)))
struct OpenAPIPagesTests {
    private func get(
        _ path: String, _ yaml: String = "", method: String = "GET", descriptors: String = userDescriptors
    ) async throws -> RawClient.Response {
        let response = Shared<RawClient.Response?>(nil)
        try await HTTPTestServer.with(yaml, descriptors: descriptors) { server in
            let client = try server.client()
            await client.send("\(method) \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            let answer = try await client.response(hasBody: method != "HEAD")
            response.update { $0 = answer }
        }
        return try #require(response.value)
    }

    private func document(_ yaml: String = "") async throws -> [String: Any] {
        let response = try await get("/openapi.json", yaml)
        #expect(response.status == 200)
        #expect(response.fields["content-type"] == "application/json")
        return try #require(try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any])
    }

    @Test func documentDescribesTheServer() async throws {
        let document = try await document("server: {http: {openapi: {title: 'Users & <more>'}}}\n")
        #expect((document["info"] as? [String: Any])?["title"] as? String == "Users & <more>")
        let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
        #expect(paths.keys.sorted() == ["/v1/users", "/v1/users/{id}", "/v1/users:watch"])
        let get = try #require(paths["/v1/users/{id}"]?["get"])
        #expect(get["operationId"] as? String == "UserService_GetUser")
        // The descriptors of `kit proto generate` keep the comments.
        #expect(get["summary"] as? String == "One user; NOT_FOUND when there is none of that id.")
    }

    /// The empty name, which a request without one has, breaks the rule.
    @Test func fieldWhoseZeroValueBreaksARuleIsRequired() async throws {
        let text = try await get("/openapi.json", descriptors: RuledUsers.descriptors()).text
        #expect(text.contains(#""required":["name"]"#))
        #expect(text.contains(#""name":{"type":"string","minLength":2,"maxLength":4}"#))
        #expect(!(try await get("/openapi.json").text.contains(#""required":["name"]"#)))
    }

    @Test func schemasHaveTheFormOfTheServer() async throws {
        for (yaml, type) in [("", "string"), ("server: {http: {json: {int64-as-number: true}}}\n", "integer")] {
            let document = try await document(yaml)
            let schemas = (document["components"] as? [String: Any])?["schemas"] as? [String: [String: Any]]
            let properties = try #require(schemas?["user.v1.User"]?["properties"] as? [String: [String: Any]])
            #expect(properties["id"]?["type"] as? String == type)
        }
    }

    /// Calls what the document describes: an end-to-end use by a program that knows nothing else.
    @Test func describedCallIsAnswered() async throws {
        let curl = try #require(RunningProgram.path(of: "curl"))
        try await HTTPTestServer.with { server in
            func run(_ target: String) async throws -> String {
                try await RunningProgram.run(
                    curl, ["--silent", "--show-error", "--max-time", "20", "http://127.0.0.1:\(server.port)\(target)"]
                ).output
            }
            let text = try await run("/openapi.json")
            let document = try #require(
                try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
            let path = try #require(
                paths.first { $0.value["get"]?["operationId"] as? String == "UserService_GetUser" }?.key)
            #expect(try await run(path.replacing("{id}", with: "2")) == #"{"id":"2","name":"Ada","email":""}"#)
        }
    }

    // MARK: - Routes, changes of responses, forms of single methods

    private func document(_ yaml: String = "", extend: @escaping (App) -> Void) async throws -> JSONValue {
        let text = Shared("")
        try await HTTPTestServer.with(yaml, extend: extend) { server in
            let client = try server.client()
            await client.send("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == 200)
            text.update { $0 = response.text }
        }
        return try JSONParser.parse(text.value)
    }

    @Test func routesAreListed() async throws {
        let document = try await document { app in
            app.http.get("/avatars/{id}") { _ in RouteResponse(text: "") }
            app.http.post("/uploads/{path=**}") { _ in RouteResponse(text: "") }
            app.http.any("/avatars/{user}") { _ in RouteResponse(text: "") }
            app.http.get("/secret", describedBy: .unlisted) { _ in RouteResponse(text: "") }
            app.http.files(at: "/assets", from: "public")
        }
        let paths = document["paths"]
        #expect(paths?["/secret"] == nil)
        let get = try #require(paths?["/avatars/{id}"]?["get"])
        #expect(get["operationId"] == "get_avatars_id")
        #expect(
            get["parameters"] == [["name": "id", "in": "path", "required": true, "schema": ["type": "string"]]])
        #expect(get["responses"]?["default"]?["content"] == ["*/*": [:]])
        // The route for all methods has those that are left.
        #expect(paths?["/avatars/{id}"]?["delete"]?["operationId"] == "delete_avatars_id")
        #expect(paths?["/uploads/{path}"]?["post"]?["requestBody"]?["content"] == ["*/*": [:]])
        #expect(paths?["/assets/{path}"]?["get"]?["responses"]?["206"] != nil)
        #expect(document["tags"]?.text.contains(#"{"name":"http","#) == true)
    }

    @Test func describedRouteHasItsDescription() async throws {
        let avatar = RouteDescription(
            "The picture of a user.", details: "Square.",
            parameters: [
                .path("id", .integer, "The user."), .query("size", .integer, "In pixels.", isRequired: true),
                .header("X-Shape", .json(#"{"enum": ["round"]}"#)),
            ],
            request: .message(User_V1_CreateUserRequest.self),
            responses: [
                .init(.created, .message(User_V1_User.self), "The user.", headers: ["location": "The place."])
            ])
        let document = try await document("server: {http: {json: {int64-as-number: true}}}\n") { app in
            app.http.post("/avatars/{id}", describedBy: avatar) { _ in RouteResponse(text: "") }
        }
        let post = try #require(document["paths"]?["/avatars/{id}"]?["post"])
        #expect(post["summary"] == "The picture of a user.")
        #expect(post["description"] == "Square.")
        #expect(
            post["parameters"] == [
                [
                    "name": "id", "in": "path", "required": true, "description": "The user.",
                    "schema": ["type": "integer"],
                ],
                [
                    "name": "size", "in": "query", "required": true, "description": "In pixels.",
                    "schema": ["type": "integer"],
                ], ["name": "X-Shape", "in": "header", "schema": ["enum": ["round"]]],
            ])
        let request = post["requestBody"]?["content"]?["application/json"]?["schema"]?["$ref"]
        #expect(request == "#/components/schemas/user.v1.CreateUserRequest-int64-as-string")
        let response = post["responses"]?["201"]
        #expect(response?["headers"]?["location"]?["description"] == "The place.")
        // The program writes the message, by SwiftProtobuf: the server's form of JSON is not that of the route.
        let schema = response?["content"]?["application/json"]?["schema"]?["$ref"]
        #expect(schema == "#/components/schemas/user.v1.User-int64-as-string")
        let components = document["components"]?["schemas"]
        #expect(components?["user.v1.User-int64-as-string"]?["properties"]?["id"]?["type"] == "string")
        #expect(components?["user.v1.User"]?["properties"]?["id"]?["type"] == "integer")
        #expect(post["responses"]?["default"]?.text.contains("rest-error") == true)
        #expect(components?["rest-error"] != nil)
    }

    @Test(arguments: [
        (
            RouteDescription(parameters: [.path("name", .string)]),
            "the route GET /a/{id}: the path has no variable name"
        ),
        (
            RouteDescription(request: .json(.json("{"))),
            "the route GET /a/{id}: the schema cannot be read: JSON, line 1, column 2: expected a name in double quotes"
        ),
    ])
    func wrongDescriptionIsAnErrorAtTheStart(_ description: RouteDescription, _ message: String) async throws {
        await #expect(throws: AppError(message)) {
            try await HTTPTestServer.with(
                extend: { $0.http.get("/a/{id}", describedBy: description) { _ in RouteResponse(text: "") } }
            ) { _ in }
        }
    }

    @Test func describedChangesAreThoseOfResponses() async throws {
        let document = try await document { app in
            let envelope = ReplyDescription(
                body: .object(["code": .integer, "data": .reply], required: ["code"]),
                error: .object(["code": .integer, "error": .reply]))
            app.http.adjust("*", describedBy: envelope) { _ in }
            app.http.adjust(
                "/user.v1.UserService/CreateUser",
                describedBy: ReplyDescription(status: .created, headers: ["location": "The user."])
            ) { _ in }
            // Nothing is said of it.
            app.http.adjust("/user.v1.UserService/GetUser") { $0.status = .accepted }
        }
        let create = try #require(document["paths"]?["/v1/users"]?["post"]?["responses"])
        #expect(create["200"] == nil)
        let body = create["201"]?["content"]?["application/json"]?["schema"]
        #expect(
            body == [
                "type": "object",
                "properties": [
                    "code": ["type": "integer"], "data": ["$ref": "#/components/schemas/user.v1.User"],
                ], "required": ["code"],
            ])
        #expect(create["201"]?["headers"]?["location"] != nil)
        let error = create["default"]?["content"]?["application/json"]?["schema"]?["properties"]?["error"]
        #expect(error == ["$ref": "#/components/schemas/rest-error"])
        let get = document["paths"]?["/v1/users/{id}"]?["get"]?["responses"]
        #expect(get?["200"]?.text.contains("data") == true)
        #expect(get?["200"]?["headers"] == nil)
        // Streams stay as they are.
        #expect(document["paths"]?["/v1/users"]?["get"]?["responses"]?.text.contains("data\"") == false)
    }

    @Test func methodsHaveTheirOwnForms() async throws {
        let yaml = """
            server: {http: {methods: {/user.v1.UserService/CreateUser: {json: {int64-as-number: true, proto-names: true}}}}}

            """
        let document = try await document(yaml) { _ in }
        func schema(_ path: String, _ method: String) -> JSONValue? {
            document["paths"]?[path]?[method]?["responses"]?["200"]?["content"]?["application/json"]?["schema"]?["$ref"]
        }
        let name = "user.v1.User-int64-as-number-proto-names"
        #expect(schema("/v1/users", "post") == .string("#/components/schemas/\(name)"))
        #expect(schema("/v1/users/{id}", "get") == "#/components/schemas/user.v1.User")
        let components = document["components"]?["schemas"]
        #expect(components?[name]?["properties"]?["id"]?["type"] == "integer")
        #expect(components?["user.v1.User"]?["properties"]?["id"]?["type"] == "string")
    }

    @Test func pageIsWholeByItself() async throws {
        let page = try await get("/openapi", "server: {http: {openapi: {title: '</title><script>alert(1)'}}}\n")
        #expect(page.status == 200)
        #expect(page.fields["content-type"] == "text/html; charset=utf-8")
        let policy = try #require(page.fields["content-security-policy"])
        #expect(policy.hasPrefix("default-src 'none'; script-src 'nonce-"))
        let nonce = try #require(policy.firstMatch(of: /script-src 'nonce-([^']+)'/)?.output.1)
        #expect(page.text.contains("<script nonce=\"\(nonce)\">"))
        #expect(page.text.contains("<style nonce=\"\(nonce)\">"))
        #expect(page.text.contains("<title>&lt;/title&gt;&lt;script&gt;alert(1)</title>"))
        // Nothing is loaded, and text never becomes HTML.
        for word in ["://", "src=", "innerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            #expect(!page.text.contains(word), "\(word)")
        }
        let other = try await get("/openapi")
        #expect(other.fields["content-security-policy"] != policy, "the nonce is new for each response")
    }

    @Test(arguments: ["/openapi", "/openapi.json"])
    func pagesAreReadOnly(_ path: String) async throws {
        let post = try await get(path, method: "POST")
        #expect(post.status == 405)
        #expect(post.fields["allow"] == "GET, HEAD")
        let head = try await get(path, method: "HEAD")
        #expect(head.status == 200)
        #expect((head.fields["content-length"].flatMap { Int($0) } ?? 0) > 1000)
    }

    @Test(arguments: [
        ("server: {http: {openapi: {enabled: false}}}\n", 404), ("server: {grpc: {listen: '0.0.0.0:0'}}\n", 404),
        ("server: {grpc: {listen: '0.0.0.0:0'}, http: {openapi: {enabled: true}}}\n", 200), ("", 200),
    ])
    func pagesAreThereOnLoopbackUnlessTheOptionSaysOtherwise(_ yaml: String, _ status: Int) async throws {
        #expect(try await get("/openapi.json", yaml).status == status)
        #expect(try await get("/openapi", yaml).status == status)
    }
}
