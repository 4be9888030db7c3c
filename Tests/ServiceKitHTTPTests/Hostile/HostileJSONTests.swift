import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// JSON as attackers and broken programs send it. Each gets its status, and the connection serves the next request.
@Suite(.timeLimit(.minutes(3)))
struct HostileJSONTests {
    struct Case: CustomStringConvertible, Sendable {
        let description: String
        let json: [UInt8]
        let status: Int
        /// A part of the response's body.
        let text: String

        init(_ description: String, _ json: String, _ status: Int = 400, _ text: String = "") {
            self.init(description, Array(json.utf8), status, text)
        }

        init(_ description: String, _ json: [UInt8], _ status: Int = 400, _ text: String = "") {
            (self.description, self.json, self.status, self.text) = (description, json, status, text)
        }

        /// A string whose text has these bytes.
        static func name(_ description: String, _ bytes: [UInt8], _ status: Int = 400, _ text: String = "") -> Self {
            Self(description, Array(#"{"name":""#.utf8) + bytes + Array(#""}"#.utf8), status, text)
        }
    }

    private static func times(_ count: Int, _ text: String) -> String { String(repeating: text, count: count) }

    /// For the string `name`.
    static let names: [Case] = [
        Case("deep objects", times(100_000, #"{"x":"#), 400, "nested more than 100 deep"),
        Case(
            "deep arrays", #"{"x":"# + times(100_000, "[") + times(100_000, "]") + "}", 400, "nested more than 100 deep"
        ),
        Case("arrays less deep", #"{"x":"# + times(90, "[") + times(90, "]") + #","name":"a"}"#, 200),
        Case("text behind it", #"{"name":"a"}{}"#, 400, "unexpected text after the JSON"),
        Case("a null behind it", "{\"name\":\"a\"}\0", 400, "unexpected text after the JSON"),
        Case("a comma at the end", #"{"name":"a",}"#),
        Case("a comment", #"{"name":"a"/**/}"#),
        Case("single quotes", "{'name':'a'}"),
        Case("no quotes", "{name:1}"),
        Case("no end", #"{"name":"a""#),
        Case("a string without an end", #"{"name":"a"#, 400, "the string has no end"),
        Case("a name twice", #"{"name":"a","name":"b"}"#, 400, "the field occurs twice"),
        Case("a name very often", "{" + times(10_000, #""name":"a","#) + #""x":1}"#, 400, "the field occurs twice"),
        Case("both of its names", #"{"name":"a","n\u0061me":"b"}"#, 400, "the field occurs twice"),
        Case("many names", "{" + (0..<10_000).map { "\"k\($0)\":1," }.joined() + #""name":"a"}"#, 200),
        Case(
            "a name that scripts know", #"{"__proto__":{"name":"b"},"constructor":1,"name":"a"}"#, 200, #""name":"a""#),
        Case("an array", "[]", 400, "expected an object"),
        Case("a string", #""a""#, 400, "expected an object"),
        Case("null", "null", 400, "expected an object"),
        Case("a number", "1", 400, "expected an object"),
        Case("white space", " \n\t\r ", 400, "there is no JSON"),
        Case("a number for a string", #"{"name":1}"#, 400, "name: expected a string"),
        Case("true for a string", #"{"name":true}"#, 400, "name: expected a string"),
        Case("an array for a string", #"{"name":["a"]}"#, 400, "name: expected a string"),
        Case("an object for a string", #"{"name":{}}"#, 400, "name: expected a string"),
        Case("null for a string", #"{"name":null}"#, 200, #""name":"""#),
        .name("a null", [0], 400, "control character"),
        .name("an escaped null", Array(#"\u0000"#.utf8), 200, #""name":"\u0000""#),
        .name("a line's end", [10], 400, "control character"),
        .name("an unknown escape", Array(#"\q"#.utf8)),
        .name("half an escape", Array(#"\u12"#.utf8)),
        .name("the first half of a pair", Array(#"\ud800"#.utf8), 400, "half of a surrogate pair"),
        .name("the second half of a pair", Array(#"\udc00"#.utf8), 400, "half of a surrogate pair"),
        .name("two first halves", Array(#"\ud800\ud800"#.utf8), 400, "half of a surrogate pair"),
        .name("a pair", Array(#"\ud83d\ude00"#.utf8), 200, "😀"),
        .name("half a pair as bytes", [0xed, 0xa0, 0x80], 400, "not UTF-8"),
        .name("a byte that begins nothing", [0xff], 400, "not UTF-8"),
        .name("a character that breaks off", [0xe2, 0x82], 400, "not UTF-8"),
        .name("a slash in two bytes", [0xc0, 0xaf], 400, "not UTF-8"),
        .name("a character beyond Unicode", [0xf4, 0x90, 0x80, 0x80], 400, "not UTF-8"),
        Case("a name that is not UTF-8", [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d], 400, "not UTF-8"),
        Case("a skipped string that is not UTF-8", Array(#"{"x":""#.utf8) + [0xff, 0x22, 0x7d], 400, "not UTF-8"),
        Case("UTF-16", [0xff, 0xfe, 0x7b, 0, 0x7d, 0], 400, "expected an object"),
    ]

    /// For the 64-bit integer `id`.
    static let numbers: [Case] =
        [
            ("1e400", 400), ("-1e400", 400), ("1e19", 400), ("9223372036854775808", 400), ("-9223372036854775809", 400),
            (times(100_000, "9"), 400), ("0." + times(100_000, "0") + "1", 400), ("1e-99999", 400),
            ("1e" + times(1000, "9"), 400), ("1.5", 400), ("01", 400), ("+1", 400), ("-", 400), (".5", 400),
            ("1.", 400),
            ("0x1", 400), ("NaN", 400), ("Infinity", 400), ("true", 400), ("{}", 400), ("[1]", 400), (#""""#, 400),
            (#"" 1""#, 400), (#""1 ""#, 400), (#""abc""#, 400), (#""NaN""#, 400), ("9223372036854775807", 404),
            ("-9223372036854775808", 404), ("1.0", 200), ("10e-1", 200), (#""1""#, 200), ("null", 404),
        ].map { Case("id \($0.0.prefix(24))", #"{"id":\#($0.0)}"#, $0.1) } + [
            Case("a giant number of an unknown name", #"{"x":1e400,"y":\#(times(100_000, "9")),"id":1}"#, 200),
            Case("an id twice", #"{"id":1,"id":2}"#, 400, "the field occurs twice"),
        ]

    @Test(arguments: [("/v1/users", names), ("/user.v1.UserService/GetUser", numbers)])
    func jsonGetsItsStatus(_ path: String, _ cases: [Case]) async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            for hostile in cases {
                await client.send(
                    "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        + "Content-Length: \(hostile.json.count)\r\n\r\n")
                await client.send(hostile.json)
                // Others are served meanwhile.
                #expect(try await server.post("GetUser", json: #"{"id":1}"#).status == 200)
                let response = try await client.response()
                #expect(response.status == hostile.status, "\(hostile): \(response.text.prefix(300))")
                #expect(
                    response.text.contains(hostile.text) || hostile.text.isEmpty,
                    "\(hostile): \(response.text.prefix(300))")
                if response.status == 400 {
                    #expect(
                        response.text.contains(#""reason":"INVALID_ARGUMENT""#)
                            || response.text.contains(#""code":"invalid_argument""#), "\(hostile)")
                }
            }
        }
    }
}
