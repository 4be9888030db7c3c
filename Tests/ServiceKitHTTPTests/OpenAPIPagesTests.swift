import Foundation
import ServiceKitProtobuf
import ServiceKitSampleAPI
import ServiceKitTestSupport
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
