import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// Files of a directory.
@Suite(.timeLimit(.minutes(3)))
struct StaticFilesTests {
    private func with(_ body: (RawClient, _ directory: URL) async throws -> Void) async throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "files-\(UUID())")
        let directory = root.appending(path: "public")
        try FileManager.default.createDirectory(
            at: directory.appending(path: "docs"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        try Data("0123456789".utf8).write(to: directory.appending(path: "digits.txt"))
        try Data("<p>docs".utf8).write(to: directory.appending(path: "docs/index.html"))
        try Data("hidden".utf8).write(to: directory.appending(path: ".env"))
        try Data("secret".utf8).write(to: root.appending(path: "secret.txt"))
        try FileManager.default.createSymbolicLink(
            at: directory.appending(path: "link.txt"), withDestinationURL: root.appending(path: "secret.txt"))
        try FileManager.default.createSymbolicLink(
            at: directory.appending(path: "inner.txt"), withDestinationURL: directory.appending(path: "digits.txt"))
        try await HTTPTestServer.with(extend: { app in
            app.http.files(
                at: "/assets", from: directory.path(percentEncoded: false), cacheControl: "public, max-age=60")
        }) { server in
            try await body(try server.client(), directory)
        }
    }

    private func get(_ target: String, _ fields: [String] = [], method: String = "GET") -> String {
        "\(method) \(target) HTTP/1.1\r\nHost: x\r\n" + fields.map { "\($0)\r\n" }.joined() + "\r\n"
    }

    @Test func fileIsServedWithItsHeaders() async throws {
        try await with { client, _ in
            await client.send(get("/assets/digits.txt"))
            let response = try await client.response()
            #expect(response.status == 200)
            #expect(response.text == "0123456789")
            #expect(response.fields["content-type"] == "text/plain; charset=utf-8")
            #expect(response.fields["content-length"] == "10")
            #expect(response.fields["cache-control"] == "public, max-age=60")
            #expect(response.fields["accept-ranges"] == "bytes")
            #expect(response.fields["etag"]?.hasPrefix("\"") == true)
            await client.send(get("/assets/digits.txt", method: "HEAD"))
            let head = try await client.response(hasBody: false)
            #expect(head.fields["content-length"] == "10")
            #expect(head.fields["etag"] == response.fields["etag"])
        }
    }

    @Test func conditionalRequestsSpareTheBody() async throws {
        try await with { client, directory in
            await client.send(get("/assets/digits.txt"))
            let first = try await client.response()
            let tag = try #require(first.fields["etag"])
            let date = try #require(first.fields["last-modified"])
            for (field, status) in [
                ("If-None-Match: \(tag)", 304), ("If-None-Match: \"x\", W/\(tag)", 304), ("If-None-Match: *", 304),
                ("If-None-Match: \"x\"", 200), ("If-Modified-Since: \(date)", 304),
                ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 200), ("If-Modified-Since: yesterday", 200),
                ("If-Match: \(tag)", 200), ("If-Match: \"x\"", 412), ("If-Match: W/\(tag)", 412),
                ("If-Unmodified-Since: \(date)", 200),
                ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 412),
            ] {
                await client.send(get("/assets/digits.txt", [field]))
                #expect(try await client.response().status == status, "\(field)")
            }
            try Data("changed".utf8).write(to: directory.appending(path: "digits.txt"))
            await client.send(get("/assets/digits.txt", ["If-None-Match: \(tag)"]))
            let changed = try await client.response()
            #expect(changed.status == 200)
            #expect(changed.fields["etag"] != tag)
        }
    }

    @Test(arguments: [
        ("bytes=0-3", 206, "0123", "bytes 0-3/10"), ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=-2", 206, "89", "bytes 8-9/10"), ("bytes=-99", 206, "0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, "89", "bytes 8-9/10"), ("bytes=10-", 416, "", "bytes */10"),
        ("bytes=-0", 416, "", "bytes */10"), ("bytes=3-1", 200, "0123456789", nil),
        ("bytes=0-1,3-4", 200, "0123456789", nil), ("lines=1-2", 200, "0123456789", nil),
        ("bytes=+1-2", 200, "0123456789", nil), ("bytes=0-99999999999999999999", 200, "0123456789", nil),
    ])
    func rangesAreParts(_ range: String, _ status: Int, _ body: String, _ place: String?) async throws {
        try await with { client, _ in
            await client.send(get("/assets/digits.txt", ["Range: \(range)"]))
            let response = try await client.response()
            #expect(response.status == status)
            #expect(response.text == body)
            #expect(response.fields["content-range"] == place)
        }
    }

    /// Ranges are for GET alone (RFC 9110, section 14.2).
    @Test func headOfAPartIsThatOfTheWhole() async throws {
        try await with { client, _ in
            await client.send(get("/assets/digits.txt", ["Range: bytes=2-3"], method: "HEAD"))
            let head = try await client.response(hasBody: false)
            #expect(head.status == 200)
            #expect(head.fields["content-length"] == "10")
        }
    }

    @Test func partOfAnotherVersionIsTheWhole() async throws {
        try await with { client, _ in
            await client.send(get("/assets/digits.txt", ["Range: bytes=0-3", "If-Range: \"x\""]))
            #expect(try await client.response().text == "0123456789")
            await client.send(get("/assets/digits.txt"))
            let tag = try #require(try await client.response().fields["etag"])
            await client.send(get("/assets/digits.txt", ["Range: bytes=0-3", "If-Range: \(tag)"]))
            #expect(try await client.response().text == "0123")
        }
    }

    @Test(arguments: [
        "/assets/../secret.txt", "/assets/%2e%2e/secret.txt", "/assets/..%2fsecret.txt",
        "/assets/docs/../../secret.txt",
        "/assets/.env", "/assets/link.txt", "/assets//digits.txt", "/assets/digits.txt%00", "/assets/digits.txt/",
        "/assets/./digits.txt", "/assets/none.txt", "/assets/", "/assets//etc/passwd", "/assets/%2fetc/passwd",
    ])
    func nothingElseIsServed(_ target: String) async throws {
        try await with { client, _ in
            await client.send(get(target))
            let response = try await client.response()
            #expect(response.status == 404, "\(response.text)")
        }
    }

    @Test func linkWithinTheDirectoryAndIndexAreServed() async throws {
        try await with { client, _ in
            await client.send(get("/assets/inner.txt") + get("/assets/docs/") + get("/assets/docs?a=b"))
            #expect(try await client.response().text == "0123456789")
            let index = try await client.response()
            #expect(index.text == "<p>docs")
            #expect(index.fields["content-type"] == "text/html; charset=utf-8")
            let moved = try await client.response()
            #expect(moved.status == 301)
            #expect(moved.fields["location"] == "/assets/docs/?a=b")
        }
    }

    @Test func largeFileIsWhole() async throws {
        try await with { client, directory in
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try Data(bytes).write(to: directory.appending(path: "large.bin"))
            await client.send(get("/assets/large.bin"))
            let response = try await client.response()
            #expect(response.body == bytes)
            #expect(response.fields["content-type"] == "application/octet-stream")
        }
    }

    @Test func datesAreReadAndWritten() {
        #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        for text in ["", "Sun, 06 Nov 1994", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            #expect(HTTPDate.seconds(text) == nil, "\(text)")
        }
    }
}
