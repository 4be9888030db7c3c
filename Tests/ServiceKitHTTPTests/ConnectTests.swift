import Foundation
import ServiceKit
import ServiceKitSampleAPI
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitHTTP

/// Calls by Connect over HTTP/1.1.
@Suite(.timeLimit(.minutes(3)))
struct ConnectTests {
    @Test func unaryCallHasJSON() async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post("GetUser", json: #"{"id": "2"}"#)
            #expect(response.status == 200)
            #expect(response.fields["content-type"] == "application/json")
            #expect(response.text == #"{"id":"2","name":"Ada","email":""}"#)
        }
    }

    @Test func unaryCallHasBytes() async throws {
        try await HTTPTestServer.with { server in
            let request = try User_V1_GetUserRequest.with { $0.id = 3 }.serializedBytes() as [UInt8]
            let response = try await server.post("GetUser", "application/proto", request)
            #expect(response.fields["content-type"] == "application/proto")
            #expect(try User_V1_User(serializedBytes: response.body).id == 3)
        }
    }

    @Test func noBodyIsAnEmptyMessage() async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post("CreateUser", json: "")
            #expect(response.status == 200)
        }
    }

    @Test func errorHasItsStatusAndDetails() async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post("GetUser", json: #"{"id":9}"#)
            #expect(response.status == 404)
            #expect(response.fields["content-type"] == "application/json")
            #expect(
                response.text.hasPrefix(
                    #"{"code":"not_found","message":"there is no user 9","details":[{"type":"google.rpc.ErrorInfo""#))
        }
    }

    @Test(arguments: [
        (#"{"id":"x"}"#, "id: expected an integer"), ("{", "line 1"), ("[]", "expected"), (#"{"id":1}x"#, "line 1"),
    ])
    func wrongJSONIsRefusedWithItsPlace(_ json: String, _ reason: String) async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post("GetUser", json: json)
            #expect(response.status == 400)
            #expect(response.text.contains(reason), "\(response.text)")
        }
    }

    @Test func getIsAnsweredForMethodsWithoutEffects() async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            let target = "/user.v1.UserService/GetUser?connect=v1&encoding=json&base64=1&message=eyJpZCI6MX0"
            await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == 200)
            #expect(response.text == #"{"id":"1","name":"Ada","email":""}"#)
            await client.send("GET /user.v1.UserService/CreateUser?encoding=json HTTP/1.1\r\nHost: x\r\n\r\n")
            let refused = try await client.response()
            #expect(refused.status == 405)
            #expect(refused.fields["allow"] == "POST")
        }
    }

    @Test func streamIsARowOfEnvelopes() async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post("ListUsers", "application/connect+json", envelope("{}"))
            #expect(response.status == 200)
            #expect(response.fields["content-type"] == "application/connect+json")
            let pieces = pieces(response.body)
            #expect(pieces.map(\.flags) == [0, 0, 0, 2])
            #expect(pieces.first?.text == #"{"id":"1","name":"","email":""}"#)
            #expect(pieces.last?.text == "{}")
        }
    }

    @Test func errorOfAStreamIsItsLastEnvelope() async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post("ListUsers", "application/connect+json", envelope(#"{"limit":99}"#))
            #expect(response.status == 200)
            let last = try #require(pieces(response.body).last)
            #expect(last.flags == 2)
            #expect(last.text.hasPrefix(#"{"error":{"code":"invalid_argument","message":"the limit is odd""#))
        }
    }

    @Test func timeoutOfTheCallerEndsTheCall() async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post(
                "WatchUsers", "application/connect+json", envelope("{}"), ["Connect-Timeout-Ms: 50"])
            let last = try #require(pieces(response.body).last)
            #expect(last.text.contains(#""code":"deadline_exceeded""#))
            try await eventually { server.users.running.value == 0 }
        }
    }

    @Test(arguments: ["abc", "-1", "99999999999"])
    func timeoutThatIsNoneIsRefused(_ value: String) async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post("GetUser", json: "{}", ["Connect-Timeout-Ms: \(value)"])
            #expect(response.status == 400)
            #expect(response.text.contains("connect-timeout-ms"))
        }
    }

    @Test(arguments: [
        ("ListUsers", "application/json"), ("GetUser", "application/connect+json"), ("GetUser", "text/plain"),
        ("GetUser", ""),
    ])
    func contentTypeThatDoesNotFitIsRefused(_ method: String, _ type: String) async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post(method, type, Array("{}".utf8))
            #expect(response.status == 415)
        }
    }

    @Test func compressedBodyIsRead() async throws {
        try await HTTPTestServer.with { server in
            // {"id":2}, by gzip.
            let body: [UInt8] = [
                31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 202, 76, 81, 178, 50, 170, 5, 0, 6, 171, 112, 111, 8, 0, 0, 0,
            ]
            let response = try await server.post("GetUser", "application/json", body, ["Content-Encoding: gzip"])
            #expect(response.text == #"{"id":"2","name":"Ada","email":""}"#)
            let unknown = try await server.post("GetUser", "application/json", body, ["Content-Encoding: br"])
            #expect(unknown.status == 415)
            let broken = try await server.post("GetUser", json: "{}", ["Content-Encoding: gzip"])
            #expect(broken.status == 400)
        }
    }

    @Test func callerThatLeavesCancelsTheCall() async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            let body = envelope("{}")
            await client.send(
                "POST /user.v1.UserService/WatchUsers HTTP/1.1\r\nHost: x\r\nContent-Type: application/connect+json\r\n"
                    + "Content-Length: \(body.count)\r\n\r\n")
            await client.send(body)
            try await eventually { server.users.running.value == 1 }
            client.leave()
            try await eventually { server.users.cancelled.value == 1 }
        }
    }
}

func envelope(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendEnvelope(flags: 0, text.utf8)
    return bytes
}

/// The pieces of a body of envelopes.
func pieces(_ body: [UInt8]) -> [(flags: UInt8, text: String)] {
    var pieces: [(flags: UInt8, text: String)] = []
    var rest = body[...]
    while rest.count >= 5 {
        let start = rest.startIndex
        let length = rest[(start + 1)..<(start + 5)].reduce(0) { $0 << 8 | Int($1) }
        pieces.append((rest[start], String(decoding: rest.dropFirst(5).prefix(length), as: UTF8.self)))
        rest = rest.dropFirst(5 + length)
    }
    return pieces
}
