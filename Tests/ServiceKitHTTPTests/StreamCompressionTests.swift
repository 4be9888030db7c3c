import GRPCNghttp2Transport
import HTTPTypes
import ServiceKit
import Testing

@testable import ServiceKitHTTP

/// Streams that are compressed on their way.
@Suite(.timeLimit(.minutes(3)))
struct StreamCompressionTests {
    private static let gzip = "server: {http: {compression: {algorithm: gzip}}}\n"

    private func get(_ target: String, _ fields: [String]) -> String {
        "GET \(target) HTTP/1.1\r\nHost: x\r\n" + fields.map { "\($0)\r\n" }.joined() + "\r\n"
    }

    /// `limit=99` ends with an error.
    @Test(arguments: ["text/event-stream", "application/json", "application/x-ndjson"], [5, 99])
    func streamOfAMethodHasTheSameText(_ accept: String, _ limit: Int) async throws {
        try await HTTPTestServer.with(Self.gzip) { server in
            let client = try server.client()
            await client.send(get("/v1/users?limit=\(limit)", ["Accept: \(accept)"]))
            let plain = try await client.response()
            await client.send(get("/v1/users?limit=\(limit)", ["Accept: \(accept)", "Accept-Encoding: gzip"]))
            let compressed = try await client.response()
            #expect(plain.fields["content-encoding"] == nil)
            #expect(plain.text.contains(#""id":"3""#))
            #expect(compressed.fields["content-encoding"] == "gzip")
            #expect(compressed.fields["vary"] == "accept-encoding")
            #expect(compressed.fields["content-type"] == plain.fields["content-type"])
            #expect(try Zlib.decompress(compressed.body, .gzip, limit: 10_000) == plain.body)
        }
    }

    @Test func readerGetsAPieceAtOnce() async throws {
        let (wasRead, reading) = AsyncStream.makeStream(of: Void.self)
        try await HTTPTestServer.with(
            Self.gzip,
            extend: { app in
                app.http.get("/log") { _ in
                    RouteResponse(
                        headers: [.contentType: "text/plain"],
                        body: .stream { body in
                            try await body.write("first line\n")
                            for await _ in wasRead { break }
                            try await body.write(String(repeating: "second line\n", count: 20_000))
                        })
                }
            }
        ) { server in
            let client = try server.client()
            await client.send(get("/log", ["Accept-Encoding: gzip", "Connection: close"]))
            let first = try await client.firstChunkBytes()
            // An empty block ends what can be read so far (RFC 1951, section 3.2.4).
            #expect(first.suffix(4) == [0, 0, 0xff, 0xff])
            reading.finish()
            // The rest is in chunks too, which take some bytes.
            #expect(await client.rest().count < 3000)
        }
    }

    @Test func streamOfARouteEndsAsGzipDoes() async throws {
        let lines = (0..<5000).map { "line \($0)\n" }
        try await HTTPTestServer.with(
            Self.gzip,
            extend: { app in
                app.http.get("/log") { _ in
                    RouteResponse(
                        headers: [.contentType: "text/plain"],
                        body: .stream { body in for line in lines { try await body.write(line) } })
                }
                app.http.get("/known") { _ in
                    RouteResponse(
                        headers: [.contentType: "text/plain"],
                        body: .stream(length: 3) { body in try await body.write("abc") })
                }
            }
        ) { server in
            let client = try server.client()
            await client.send(get("/log", ["Accept-Encoding: gzip"]))
            let log = try await client.response()
            #expect(try Zlib.decompress(log.body, .gzip, limit: 1_000_000) == Array(lines.joined().utf8))
            await client.send(get("/known", ["Accept-Encoding: gzip"]))
            let known = try await client.response()
            #expect(known.fields["content-encoding"] == nil)
            #expect(known.text == "abc")
        }
    }
}
