import Foundation
import GRPCCore
import ServiceKitGRPC
import ServiceKitHTTP2
import ServiceKitProtobuf
import SwiftProtobuf
import Testing

@testable import ServiceKitHTTP

/// Bodies of any type: messages and fields that are a `google.api.HttpBody`.
@Suite(.timeLimit(.minutes(3)))
struct HTTPBodyTests {
    private func answer(_ head: String, _ body: String) async throws -> RawClient.Response {
        var response: RawClient.Response?
        try await HTTPTestServer.with(
            "server: {http: {errors: google}}\n",
            extend: { $0.serve(TranscodeService(), descriptors: transcodeDescriptors) }
        ) { server in
            let client = try server.client()
            await client.send("\(head)\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            response = try await client.response()
        }
        return try #require(response)
    }

    @Test func fieldHasTheBytesOfTheBody() async throws {
        let response = try await answer(
            "POST /v1/described/report HTTP/1.1\r\nContent-Type: text/csv; header=absent", "a,b")
        #expect(
            response.text
                == #"{"name":"report","content":{"contentType":"text/csv; header=absent","data":"YSxi","extensions":[]}}"#
        )
    }

    @Test func jsonInAFieldOfBytesIsNotRead() async throws {
        let response = try await answer(
            "POST /v1/described/report HTTP/1.1\r\nContent-Type: application/json", #"{"data":"YSxi"}"#)
        #expect(response.text.contains(#""contentType":"application/json","data":"eyJkYXRhIjoiWVN4aSJ9""#))
    }

    @Test func requestWithoutABodyHasNoField() async throws {
        let response = try await answer("POST /v1/described/report HTTP/1.1", "")
        #expect(response.text == #"{"name":"report"}"#)
    }

    @Test func fieldIsTheBodyOfTheResponse() async throws {
        let response = try await answer("POST /v1/content/report HTTP/1.1\r\nContent-Type: text/csv", "a,b")
        #expect(response.fields["content-type"] == "text/csv")
        #expect(response.text == "a,b")
    }

    @Test func messageKeepsTheParametersOfTheType() async throws {
        let response = try await answer("POST /v1/raw HTTP/1.1\r\nContent-Type: text/xml; charset=utf-8", "<a/>")
        #expect(response.fields["content-type"] == "text/xml; charset=utf-8")
        #expect(response.text == "<a/>")
    }

    @Test func nullIsAMissingField() async throws {
        let response = try await answer("PUT /v1/all HTTP/1.1\r\nContent-Type: application/json", "null")
        #expect(response.status == 200)
        #expect(!response.text.contains("nested"))
    }

    private func contentType(_ head: HeaderBlock?) -> String? {
        var type: String?
        head?.forEach { name, value in
            if String(decoding: name, as: UTF8.self) == "content-type" { type = String(decoding: value, as: UTF8.self) }
        }
        return type
    }

    /// Bytes of any type are no lines and no events: a stranger's would write events of their own.
    @Test func streamHasTheBytesOfItsMessages() throws {
        let pool = try DescriptorPool(base64: [transcodeDescriptors])
        let service = try #require(pool.ownServices.first { $0.methods.contains { $0.name == "Raw" } })
        let type = try #require(service.methods.first { $0.name == "Raw" })
        let rule = try #require(try pool.httpRules(of: type.name, in: service.name).first)
        let transcoder = try JSONTranscoder(type.output, in: MessageTables(pool), options: JSONOptions())
        let binding = try RequestBinding(rule, input: transcoder, output: transcoder, method: "Raw", isStream: false)
        let form = RESTForm("/Raw", type, binding, errors: .kratos, adjustments: [])
        func message(_ type: String, _ text: String) throws -> [UInt8] {
            try Google_Api_HttpBody.with {
                $0.contentType = type
                $0.data = Data(text.utf8)
            }.serializedBytes()
        }
        var response = RESTStreamResponse(.events, form, nil)
        #expect(response.begin([:]).head == nil)
        let first = try response.write(message("text/csv", "a\n\nevent: x\n"))
        #expect(contentType(first.head) == "text/csv")
        #expect(first.body == Array("a\n\nevent: x\n".utf8))
        let second = try response.write(message("text/html", "b"))
        #expect(second.head == nil)
        #expect(second.body == Array("b".utf8))
        #expect(response.end(Status(code: .ok, message: ""), [:]).body == [])
        #expect(response.end(Status(code: .internalError, message: ""), [:]).isBroken)
        var evil = RESTStreamResponse(.lines, form, nil)
        let head = try evil.write(message("text/html\r\nset-cookie: a=b", "b")).head
        #expect(contentType(head) == "application/octet-stream")
    }

    @Test func bodiesOfAnyTypeAreDescribed() throws {
        let pool = try DescriptorPool(base64: [transcodeDescriptors])
        let document = try OpenAPIDocument(
            pool, services: pool.ownServices, options: OpenAPIOptions(title: "x", version: "1")
        ).json.text
        let content = try #require(document.components(separatedBy: #""/v1/content/{name}":"#).last)
        #expect(content.components(separatedBy: #""content":{"*/*":{}}"#).count >= 3)
    }
}
