import HTTPTypes
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// Forms with files.
@Suite(.timeLimit(.minutes(3)))
struct MultipartTests {
    private static let body = """
        preamble\r
        --xyz\r
        Content-Disposition: form-data; name="title"\r
        \r
        A picture\r
        --xyz\r
        Content-Disposition: form-data; name="file"; filename="a \\"b\\".png"\r
        Content-Type: image/png\r
        \r
        line\r
        --xy\r\n\r\r
        --xyz\r
        \r
        \r
        --xyz--\r
        epilogue
        """

    /// Parses a body that comes in pieces of a length.
    private func parse(_ body: String, pieces length: Int, maxParts: Int = 10) throws -> [String] {
        var parser = MultipartParser(boundary: "xyz", maxParts: maxParts)
        var rest = Array(body.utf8)[...]
        var events: [String] = []
        var data: [UInt8] = []
        while true {
            switch try parser.next() {
            case .part(let headers): events.append("part \(headers[.contentDisposition] ?? "none")")
            case .data(let bytes): data += bytes
            case .partEnd:
                events.append("data \(String(decoding: data, as: UTF8.self))")
                data = []
            case .end: return events
            case .needsMore:
                if rest.isEmpty { parser.finish() } else { parser.feed(Array(rest.prefix(length))) }
                rest = rest.dropFirst(length)
            }
        }
    }

    @Test func partsAreTheSameHoweverTheBodyIsCut() throws {
        for length in 1...Self.body.utf8.count {
            let events = try parse(Self.body, pieces: length)
            #expect(
                events == [
                    "part form-data; name=\"title\"", "data A picture",
                    "part form-data; name=\"file\"; filename=\"a \\\"b\\\".png\"", "data line\r\n--xy\r\n\r",
                    "part none",
                    "data ",
                ], "in pieces of \(length)")
        }
    }

    @Test(arguments: [
        ("", "the body ends within a part"), ("--xyz", "the body ends within a part"),
        ("--xyz\r\n\r\nabc", "the body ends within a part"),
        ("--xyz tail\r\n\r\n", "there is text behind the boundary of a part"),
        ("--xyz\r\nno header\r\n\r\n", "a header of a part has no name"),
        ("--xyz\r\n\r\n1\r\n--xyz\r\n\r\n2\r\n--xyz\r\n\r\n3\r\n--xyz--", "the body has more than 2 parts"),
        ("--xyz\r\nA: " + String(repeating: "x", count: 20_000), "the headers of a part are larger than 16384 bytes"),
    ])
    func wrongBodiesAreErrors(_ body: String, _ reason: String) {
        #expect(throws: MultipartError(reason)) { try parse(body, pieces: 7, maxParts: 2) }
    }

    @Test func parametersOfHeadersAreRead() {
        let header = HeaderParameters("Form-Data ; name=\"a;\\\"b\"; filename*=x; FILENAME=c.txt ;name=second")
        #expect(header.value == "form-data")
        #expect(header["name"] == "a;\"b")
        #expect(header["filename"] == "c.txt")
        #expect(HeaderParameters("form-data; name=\"open")["name"] == "open")
        #expect(HeaderParameters("")["name"] == nil)
    }

    @Test func curlSendsAForm() async throws {
        let path = try #require(RunningProgram.path(of: "curl"))
        try await HTTPTestServer.with(extend: { app in
            app.http.post("/forms") { request in
                var lines: [String] = []
                for try await part in try request.multipart() {
                    // The second part's body is passed over.
                    let text = part.name == "skipped" ? [] : try await part.body.collect(upTo: 100)
                    lines.append("\(part.name) \(part.filename ?? "-") \(String(decoding: text, as: UTF8.self))")
                }
                return RouteResponse(text: lines.joined(separator: "\n"))
            }
        }) { server in
            let url = "http://127.0.0.1:\(server.port)/forms"
            let long = String(repeating: "y", count: 50_000)
            let result = try await RunningProgram.run(
                path,
                [
                    "--silent", "--max-time", "20", url, "--form", "title=A picture", "--form", "skipped=\(long)",
                    "--form", "file=contents;filename=a.txt;type=text/plain",
                ])
            #expect(result.output == "title - A picture\nskipped - \nfile a.txt contents")
            let plain = try await RunningProgram.run(
                path, ["--silent", "--max-time", "20", url, "--data", "a=b", "--write-out", " %{http_code}"])
            #expect(plain.output.hasSuffix(" 415"), "\(plain.output)")
        }
    }
}
