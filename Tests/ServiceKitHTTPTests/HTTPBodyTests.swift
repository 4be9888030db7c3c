import Foundation
import ServiceKitGRPC
import ServiceKitProtobuf
import Testing

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

    @Test func bodiesOfAnyTypeAreDescribed() throws {
        let pool = try DescriptorPool(base64: [transcodeDescriptors])
        let document = try OpenAPIDocument(
            pool, services: pool.ownServices, options: OpenAPIOptions(title: "x", version: "1")
        ).json.text
        let content = try #require(document.components(separatedBy: #""/v1/content/{name}":"#).last)
        #expect(content.components(separatedBy: #""content":{"*/*":{}}"#).count >= 3)
    }
}
