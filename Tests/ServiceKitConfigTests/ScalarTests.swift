import FoundationEssentials
import ServiceKitConfig
import Testing

@Suite struct ScalarTests {
    @Test(arguments: [
        ("1.0", "1.0"), ("text", "text"), ("\"8080\"", "8080"), ("yes", "yes"), ("0x10", "0x10"), ("'null'", "null"),
        ("\"\"", ""), ("a#b", "a#b"), ("2024-01-01", "2024-01-01"),
    ])
    func textIsReadAsWritten(yaml: String, text: String) throws {
        #expect(try decodeValue(String.self, yaml) == text)
    }

    @Test(arguments: ["null", "~", "Null", "NULL", ""])
    func nullIsNoText(yaml: String) throws {
        #expect(errorText { _ = try decodeValue(String.self, yaml) }.hasSuffix("v: expected text, found null"))
        #expect(try decodeValue(String?.self, yaml) == nil)
        #expect(try Configuration(yaml: "v: \(yaml)").decodeIfPresent(String.self, at: "v") == nil)
    }

    @Test(arguments: [
        ("0", 0), ("8080", 8080), ("-5", -5), ("+5", 5), ("0x1F90", 8080), ("-0x10", -16), ("0o755", 493),
        ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
    ])
    func integers(yaml: String, value: Int) throws {
        #expect(try decodeValue(Int.self, yaml) == value)
    }

    @Test(arguments: [
        ("abc", "expected an integer, found \"abc\""),
        ("1.0", "expected an integer, found \"1.0\""),
        ("1e3", "expected an integer, found \"1e3\""),
        ("1_000", "expected an integer, found \"1_000\""),
        ("0x", "expected an integer, found \"0x\""),
        ("'-'", "expected an integer, found the quoted text \"-\""),
        ("٣", "expected an integer, found \"٣\""),
        ("0755", "expected an integer, found \"0755\"; remove the leading zero; an octal number starts with 0o"),
        ("\"8080\"", "expected an integer, found the quoted text \"8080\"; remove the quotes"),
        ("\"abc\"", "expected an integer, found the quoted text \"abc\""),
        ("[1]", "expected an integer, found a sequence"),
        ("{a: 1}", "expected an integer, found a mapping"),
        ("null", "expected an integer, found null"),
        (
            "9223372036854775808",
            "expected an integer from -9223372036854775808 to 9223372036854775807, found \"9223372036854775808\""
        ),
    ])
    func noIntegers(yaml: String, error: String) {
        #expect(decodeError(Int.self, "v: \(yaml)", at: "v") == "app.yaml:1:4: v: " + error)
    }

    @Test func integersAcceptExactlyTheirRange() throws {
        func check<T: FixedWidthInteger & Decodable & SendableMetatype>(_ type: T.Type) throws {
            #expect(try decodeValue(T.self, "\(T.min)") == T.min)
            #expect(try decodeValue(T.self, "\(T.max)") == T.max)
            #expect(try decodeValue([T].self, "[1]") == [1])
            #expect(try decodeValue([String: T].self, "{a: 1}") == ["a": 1])
            let tooMuch = "\(T.max)0"
            #expect(
                decodeError(T.self, "v: \(tooMuch)", at: "v")
                    == "app.yaml:1:4: v: expected an integer from \(T.min) to \(T.max), found \"\(tooMuch)\""
            )
        }
        try check(Int8.self)
        try check(Int16.self)
        try check(Int32.self)
        try check(Int64.self)
        try check(Int128.self)
        try check(Int.self)
        try check(UInt8.self)
        try check(UInt16.self)
        try check(UInt32.self)
        try check(UInt64.self)
        try check(UInt128.self)
        try check(UInt.self)
        #expect(
            decodeError(UInt8.self, "v: -1", at: "v")
                == "app.yaml:1:4: v: expected an integer from 0 to 255, found \"-1\""
        )
    }

    @Test(arguments: [
        ("0", 0), ("0.5", 0.5), ("-1.25", -1.25), ("1e-3", 0.001), ("10", 10), (".inf", Double.infinity),
        ("-.inf", -Double.infinity), ("+.Inf", Double.infinity), ("-.INF", -Double.infinity), ("1.", 1), (".5", 0.5),
        ("1E+3", 1000), ("-0.0", 0), ("0e0", 0),
    ])
    func numbers(yaml: String, value: Double) throws {
        #expect(try decodeValue(Double.self, yaml) == value)
        #expect(try decodeValue(Float.self, yaml) == Float(value))
    }

    @Test(arguments: [
        ("nan", "expected a number, found \"nan\""), ("inf", "expected a number, found \"inf\""),
        ("0x10", "expected a number, found \"0x10\""),
        ("'0.5'", "expected a number, found the quoted text \"0.5\"; remove the quotes"),
        ("1e999", "expected a number that Double can hold, found \"1e999\""),
        ("1,5", "expected a number, found \"1,5\""), ("1_000.5", "expected a number, found \"1_000.5\""),
        ("1:30", "expected a number, found \"1:30\""), (".iNF", "expected a number, found \".iNF\""),
        ("010", "expected a number, found \"010\"; remove the leading zero"),
        ("-00.5", "expected a number, found \"-00.5\"; remove the leading zero"),
    ])
    func noNumbers(yaml: String, error: String) throws {
        #expect(decodeError(Double.self, "v: \(yaml)", at: "v") == "app.yaml:1:4: v: \(error)")
        for text in [".nan", ".NaN", ".NAN"] { #expect(try decodeValue(Double.self, text).isNaN) }
    }

    @Test(arguments: [
        ("yes", "\"yes\"; write true"), ("on", "\"on\"; write true"), ("True", "\"True\"; write true"),
        ("no", "\"no\"; write false"), ("Off", "\"Off\"; write false"), ("1", "\"1\""), ("maybe", "\"maybe\""),
        ("\"true\"", "the quoted text \"true\"; remove the quotes"), ("\"yes\"", "the quoted text \"yes\""),
    ])
    func booleansAreTrueOrFalse(yaml: String, found: String) throws {
        #expect(
            decodeError(Bool.self, "v: \(yaml)", at: "v") == "app.yaml:1:4: v: expected true or false, found \(found)")
        #expect(try decodeValue(Bool.self, "true") && !decodeValue(Bool.self, "false"))
    }

    @Test func urls() throws {
        #expect(try decodeValue(URL.self, "http://127.0.0.1:2379").port == 2379)
        #expect(try decodeValue([URL].self, "[\"http://a\", file:///tmp]").count == 2)
        for bad in ["nothing", "\"\"", "/path", "127.0.0.1:80/x y"] {
            #expect(
                decodeError(URL.self, "v: \(bad)", at: "v")
                    .hasPrefix("app.yaml:1:4: v: expected a URL such as http://127.0.0.1:2379, found ")
            )
        }
    }

    enum Policy: String, Codable, CaseIterable {
        case random
        case roundRobin = "round-robin"
    }

    enum Level: Int, Codable { case low = 1, high = 2 }

    @Test func enumerationErrorListsTheAllowedValues() throws {
        #expect(try decodeValue(Policy.self, "round-robin") == .roundRobin)
        #expect(try decodeValue(Level.self, "2") == .high)
        #expect(
            decodeError([String: Policy].self, "v: bogus")
                == "app.yaml:1:4: v: expected one of random, round-robin, found \"bogus\""
        )
        #expect(decodeError(Level.self, "v: 3", at: "v") == "app.yaml:1:4: v: expected a valid Level, found \"3\"")
        #expect(decodeError(Level.self, "v: x", at: "v") == "app.yaml:1:4: v: expected an integer, found \"x\"")
        #expect(decodeError(Policy.self, "v: {}", at: "v") == "app.yaml:1:4: v: expected text, found a mapping")
    }

    @Test func errorsStayOnOneShortLine() {
        let text = decodeError(Int.self, "v: \"a\\nb\\u2028c\"", at: "v")
        #expect(text == "app.yaml:1:4: v: expected an integer, found the quoted text \"a\\nb\\u{2028}c\"")
        let long = decodeError(Int.self, "v: " + String(repeating: "x", count: 100_000), at: "v")
        #expect(long == "app.yaml:1:4: v: expected an integer, found \"\(String(repeating: "x", count: 64))…\"")
        let key = String(repeating: "k", count: 100_000)
        #expect(decodeError([String: Int].self, "? \(key)\n: x").count < 1200)
    }
}
