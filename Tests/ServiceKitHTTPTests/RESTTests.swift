import Foundation
import ServiceKit
import ServiceKitSampleAPI
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitHTTP

/// Calls at the paths of `google.api.http`.
@Suite(.timeLimit(.minutes(3)))
struct RESTTests {
    private func with(_ yaml: String = "", _ body: (HTTPTestServer, RawClient) async throws -> Void) async throws {
        try await HTTPTestServer.with(yaml) { server in
            try await body(server, try server.client())
        }
    }

    private func get(_ target: String, _ fields: String...) -> String {
        "GET \(target) HTTP/1.1\r\nHost: x\r\n" + fields.map { "\($0)\r\n" }.joined() + "\r\n"
    }

    @Test func pathMakesTheMessage() async throws {
        try await with { _, client in
            await client.send(get("/v1/users/2"))
            let response = try await client.response()
            #expect(response.status == 200)
            #expect(response.fields["content-type"] == "application/json")
            #expect(response.text == #"{"id":"2","name":"Ada","email":""}"#)
        }
    }

    @Test func bodyMakesTheMessage() async throws {
        try await with { server, client in
            let body = #"{"name":"Grace"}"#
            await client.send(
                "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=utf-8\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            let response = try await client.response()
            #expect(response.text == #"{"id":"0","name":"Grace","email":""}"#)
            #expect(server.users.created.value == ["Grace"])
        }
    }

    @Test func errorIsThatOfKratos() async throws {
        try await with { _, client in
            await client.send(get("/v1/users/9"))
            let response = try await client.response()
            #expect(response.status == 404)
            #expect(
                response.text
                    == #"{"code":404,"reason":"USER_NOT_FOUND","message":"there is no user 9","metadata":{"id":"9"}}"#)
        }
    }

    /// The descriptors tell of more services than are served.
    @Test func methodThatNobodyServesIsRefused() async throws {
        try await HTTPTestServer.with(descriptors: TalkService.descriptors()) { server in
            let client = try server.client()
            await client.send(get("/v1/rooms/a") + WebSocketClient.handshake("/v1/rooms/a"))
            for _ in 0..<2 { #expect(try await client.response().status == 501) }
        }
        try await HTTPTestServer.with(descriptors: transcodeDescriptors) { server in
            let client = try server.client()
            await client.send(get("/v1/refuse"))
            let response = try await client.response()
            #expect(response.status == 501)
            #expect(response.text.contains("the method /transcode.v1.Transcode/Refuse is not served"))
        }
    }

    @Test func valueThatDoesNotFitIsNamed() async throws {
        try await with { _, client in
            await client.send(get("/v1/users/abc"))
            let response = try await client.response()
            #expect(response.status == 400)
            #expect(response.text.contains("id: "), "\(response.text)")
            await client.send(get("/v1/users?limit=many"))
            let query = try await client.response()
            #expect(query.status == 400)
            #expect(query.text.contains("limit: "), "\(query.text)")
        }
    }

    @Test(arguments: [
        ("", "application/x-ndjson", "{#1}\n{#2}\n{#3}\n"),
        (
            "text/event-stream", "text/event-stream",
            "event: message\ndata: {#1}\n\nevent: message\ndata: {#2}\n\nevent: message\ndata: {#3}\n\n"
        ),
        ("application/json", "application/json", "[{#1},{#2},{#3}]"),
    ])
    func streamHasTheFormThatIsAccepted(_ accept: String, _ type: String, _ body: String) async throws {
        try await with { _, client in
            await client.send(get("/v1/users?limit=5", "Accept: \(accept)"))
            let response = try await client.response()
            #expect(response.fields["content-type"] == type)
            let expected = (1...3).reduce(body) {
                $0.replacingOccurrences(of: "{#\($1)}", with: #"{"id":"\#($1)","name":"","email":""}"#)
            }
            #expect(response.text == expected)
        }
    }

    @Test(arguments: [
        ("application/json;q=0.5, text/event-stream", RESTStreamResponse.Format.events),
        ("application/json, text/event-stream", .array), ("application/json ; Q=0", .lines),
        ("text/event-stream;q=0, application/json;q=0.1", .array), ("text/event-stream;q=x", .lines),
        ("text/html, */*;q=0.1", .lines), ("application/json;charset=utf-8;q=1,application/x-ndjson", .array),
        ("application/x-ndjson;q=0.3,\ttext/event-stream;q=0.3", .lines), (",;,;q=1", .lines), ("", .lines),
    ])
    func weightsOfAcceptCount(_ accept: String, _ format: RESTStreamResponse.Format) {
        #expect(RESTStreamResponse.Format(accept: accept) == format)
    }

    @Test func errorOfAStreamIsItsLastPart() async throws {
        try await with { _, client in
            await client.send(get("/v1/users?limit=99", "Accept: text/event-stream"))
            let events = try await client.response()
            #expect(
                events.text.hasSuffix(
                    "event: error\ndata: {\"code\":400,\"reason\":\"BAD_LIMIT\",\"message\":\"the limit is odd\",\"metadata\":{}}\n\n"
                ))
            await client.send(get("/v1/users?limit=99", "Accept: application/json"))
            let array = try await client.response()
            #expect(
                array.text.hasSuffix(
                    #"{"error":{"code":400,"reason":"BAD_LIMIT","message":"the limit is odd","metadata":{}}}]"#))
        }
    }

    @Test func eventsComeAsTheyAreSent() async throws {
        try await with { server, client in
            await client.send(get("/v1/users:watch", "Accept: text/event-stream"))
            try await eventually { server.users.running.value == 1 }
            let chunk = try await client.firstChunk()
            #expect(chunk == "event: message\ndata: {\"created\":{\"id\":\"1\",\"name\":\"\",\"email\":\"\"}}\n\n")
            client.leave()
            try await eventually { server.users.cancelled.value == 1 }
        }
    }

    @Test func otherMethodsAndTypesAreRefused() async throws {
        try await with { _, client in
            await client.send("DELETE /v1/users HTTP/1.1\r\nHost: x\r\n\r\n")
            let method = try await client.response()
            #expect(method.status == 405)
            #expect(method.fields["allow"] == "GET, POST")
            await client.send(
                "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 0\r\n\r\n")
            let type = try await client.response()
            #expect(type.status == 415)
            await client.send(get("/v1/nothing"))
            let path = try await client.response()
            #expect(path.status == 404)
        }
    }

    @Test func bodyBeyondTheLimitIsRefused() async throws {
        try await with("server: {grpc: {limits: {max-message: 1KiB}}}\n") { _, client in
            await client.send(
                "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == 413)
        }
    }

    @Test func twoMethodsOfOnePathEndTheStart() async throws {
        let data = try #require(Data(base64Encoded: userDescriptors))
        var set = try Google_Protobuf_FileDescriptorSet(serializedBytes: data)
        let file = try #require(set.file.firstIndex { !$0.service.isEmpty })
        let methods = set.file[file].service[0].method
        let list = try #require(methods.first { $0.name == "ListUsers" })
        let watch = try #require(methods.firstIndex { $0.name == "WatchUsers" })
        set.file[file].service[0].method[watch].options = list.options
        let twice = try (set.serializedBytes() as Data).base64EncodedString()
        let error = await #expect(throws: (any Error).self) {
            try await HTTPTestServer.with(descriptors: twice) { _ in }
        }
        let text = String(describing: error)
        #expect(text.contains("UserService.ListUsers and user.v1.UserService.WatchUsers both answer GET /v1/users"))
    }
}
