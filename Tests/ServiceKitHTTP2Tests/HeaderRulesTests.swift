import Testing

@testable import ServiceKitHTTP2

/// The rules of HTTP/2 for a header block.
@Suite struct HeaderRulesTests {
    private static let request: [(String, String)] = [
        (":method", "POST"), (":scheme", "http"), (":path", "/a/b"), (":authority", "x"),
    ]
    private static let response: [(String, String)] = [(":status", "200")]

    /// Puts a block together.
    private static func collect(_ fields: [(String, String)]) -> HeaderCollector {
        var collector = HeaderCollector(limits: .defaults)
        collector.begin()
        for (name, value) in fields {
            name.withBytes { name in value.withBytes { collector.append(name: name, value: $0) } }
        }
        return collector
    }

    private static func fault(_ fields: [(String, String)], _ kind: HeaderRules.Kind) -> String? {
        Self.collect(fields).fault(of: kind)
    }

    @Test func validHeaderBlocksAreAccepted() {
        #expect(Self.fault(Self.request, .request) == nil)
        #expect(Self.fault(Array(Self.request.prefix(3)), .request) == nil, "the authority may be missing")
        #expect(Self.fault(Self.response + [("a", ""), ("b", "größe"), ("te", "trailers")], .response) == nil)
        #expect(Self.fault([("grpc-status", "0")], .trailers) == nil)
        #expect(Self.fault([], .trailers) == nil)
    }

    @Test(arguments: [
        (" padded ", "padded"), ("\tpadded \t", "padded"), ("in between", "in between"), (" ", ""), ("\t\t", ""),
        ("", ""),
    ])
    func whiteSpaceAroundValuesIsDropped(_ sent: String, _ seen: String) {
        let collector = Self.collect(Self.response + [("x-note", sent)])
        #expect(collector.fault(of: .response) == nil)
        #expect(collector.block.fields["x-note"] == seen)
    }

    @Test(arguments: [
        ("X-Upper", "y", "\"X-Upper\" is not one of HTTP/2: names are in lower case"), ("x y", "z", "\"x y\""),
        ("", "z", "no name"), (":", "z", "\":\""), ("x-note", "a\nb", "\"x-note\" has a control character"),
        ("x-note", "a\0b", "\"x-note\" has a control character"), ("x-note", "a\u{7f}b", "\"x-note\""),
        ("connection", "close", "\"connection\" belongs to HTTP/1"), ("keep-alive", "1", "\"keep-alive\""),
        ("proxy-connection", "close", "\"proxy-connection\""),
        ("transfer-encoding", "chunked", "\"transfer-encoding\""),
        ("upgrade", "h2c", "\"upgrade\""), ("te", "gzip", "\"te\" is \"gzip\""),
        ("content-length", "many", "\"content-length\" is \"many\""), ("content-length", "-1", "\"content-length\""),
        ("content-length", "", "\"content-length\""), (":path", "/late", "\":path\" comes after others"),
        (":unknown", "x", "\":unknown\""),
    ])
    func invalidFieldIsNamed(_ name: String, _ value: String, _ fault: String) throws {
        for (head, kind) in [(Self.request, HeaderRules.Kind.request), (Self.response, .response)] {
            let found = try #require(Self.fault(head + [("a", "b"), (name, value), ("c", "d")], kind))
            #expect(found.contains(fault))
        }
    }

    @Test func invalidHeaderBlockIsExplained() {
        #expect(Self.fault(Array(Self.request.dropFirst()), .request) == "header \":method\" is missing")
        #expect(Self.fault([], .response) == "header \":status\" is missing")
        #expect(Self.fault(Self.request + [(":path", "/c")], .request) == "header \":path\" is there twice")
        #expect(Self.fault(Self.request + Self.response, .request) == "header \":status\" does not belong there")
        #expect(Self.fault(Self.response, .trailers) == "header \":status\" does not belong there")
        #expect(Self.fault([(":status", "20")], .response)?.contains("\":status\" is \"20\"") == true)
        let lengths = [("content-length", "1"), ("content-length", "2")]
        #expect(Self.fault(Self.response + lengths, .response) == "header \"content-length\" is there twice")
        #expect(Self.fault(Self.response + [lengths[0], lengths[0]], .response) == nil)
    }

    /// A block that is too large is refused for its size, even if it lacks fields.
    @Test func tooLargeHeaderBlockIsReportedAsSuch() {
        let fields = [("x", String(repeating: "y", count: TransportLimits.defaults.maxHeaderListBytes))]
        #expect(Self.fault(fields, .request) == nil)
        #expect(Self.collect(fields).excess == .headerList)
    }

    @Test func quotedHeaderIsShortened() throws {
        let name = String(repeating: "X", count: 1000)
        #expect(try #require(Self.fault(Self.response + [(name, "y")], .response)).count < 200)
    }

    @Test func contentLengthAndInformationalStatusAreRead() {
        #expect(Self.collect(Self.response + [("content-length", "42")]).rules.contentLength == 42)
        #expect(Self.collect(Self.response).rules.contentLength == nil)
        #expect(Self.collect([(":status", "103")]).rules.isInformational)
        #expect(!Self.collect(Self.response).rules.isInformational)
    }
}
