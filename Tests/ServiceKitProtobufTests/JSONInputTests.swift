import Testing

@testable import ServiceKitProtobuf

/// Valid JSON for messages, and the errors for the rest.
@Suite struct JSONInputTests {
    private static let color =
        "expected a value of kinds.v1.Color (COLOR_UNSPECIFIED, COLOR_RED, COLOR_GREEN, COLOR_NEGATIVE), "
    private static let mask = "mask: expected a google.protobuf.FieldMask such as \"user.displayName,photo\", "
    private static let time = "time: expected a google.protobuf.Timestamp such as \"2024-02-29T12:00:00Z\", "
    private static let duration = "duration: expected a google.protobuf.Duration such as \"1.5s\", "

    private func error(_ json: String) throws -> JSONError? {
        do {
            _ = try Samples.transcoder().decode(Array(json.utf8))
            return nil
        } catch let error as JSONError {
            return error
        }
    }

    @Test(arguments: [
        (#"{"nested": {"idd": 1}}"#, "nested.idd: no such field in kinds.v1.Kinds.Nested; it has: id, back"),
        (#"{"empty": {"a": 1}}"#, "empty.a: no such field in google.protobuf.Empty; it has no fields"),
        (#"{"anInt32": 2147483648}"#, "anInt32: expected an integer of 32 bits, found the number 2147483648"),
        (#"{"anInt32": 1.5}"#, "anInt32: expected an integer of 32 bits, found the number 1.5"),
        (#"{"anInt32": " 1"}"#, "anInt32: expected an integer of 32 bits, found the string \" 1\""),
        (#"{"anInt32": "+1"}"#, "anInt32: expected an integer of 32 bits, found the string \"+1\""),
        (#"{"aUint64": -1}"#, "aUint64: expected an unsigned integer of 64 bits, found the number -1"),
        (#"{"aFloat": 1e39}"#, "aFloat: expected a number, found the number 1e39"),
        (#"{"aBool": "true"}"#, "aBool: expected true or false, found the string \"true\""),
        (#"{"aString": 5}"#, "aString: expected a string, found the number 5"),
        (#"{"someBytes": "a"}"#, "someBytes: expected a string in base64, found the string \"a\""),
        (#"{"strings": "a"}"#, "strings: expected an array, found the string \"a\""),
        (#"{"strings": ["a", null]}"#, "strings[1]: expected a string, found null"),
        (#"{"messages": [{}, {"id": true}]}"#, "messages[1].id: expected an integer of 64 bits, found true"),
        (
            #"{"messagesById": {"x": {}}}"#,
            "messagesById[\"x\"]: expected an integer of 64 bits, found the string \"x\""
        ),
        (
            #"{"color": "BLUE"}"#,
            "color: expected a value of kinds.v1.Color (COLOR_UNSPECIFIED, COLOR_RED, COLOR_GREEN, COLOR_NEGATIVE), "
                + "found the string \"BLUE\""
        ),
        (#"{"text": "a", "number": 1}"#, "number: only one field of choice can be given"),
        (#"{"otherName": "a", "renamed": "b"}"#, "renamed: the field occurs twice"),
        (
            #"{"time": "yesterday"}"#,
            "time: expected a google.protobuf.Timestamp such as \"2024-02-29T12:00:00Z\", found the string \"yesterday\""
        ),
        (#"{"any": {"id": 1}}"#, "any: expected an object with \"@type\", found an object"),
        (#"[1]"#, "expected an object, a kinds.v1.Kinds, found an array"),
        (#"{"color": 1.5}"#, "color: " + Self.color + "found the number 1.5"),
        (#"{"color": true}"#, "color: " + Self.color + "found true"),
        (#"{"numbersByName": {"a": 1, "a": 2}}"#, #"numbersByName["a"]: the key occurs twice"#),
        (#"{"structure": {"a": 1, "a": 2}}"#, #"structure["a"]: the key occurs twice"#),
        (
            #"{"structure": {"a": 1e400}}"#,
            #"structure["a"]: expected a number within the range of Double, found the number 1e400"#
        ),
        (#"{"stringsByFlag": {"1": "a"}}"#, #"stringsByFlag["1"]: expected true or false, found the string "1""#),
        (
            #"{"anInt64": "9223372036854775808"}"#,
            "anInt64: expected an integer of 64 bits, found the string \"9223372036854775808\""
        ),
        (#"{"anInt32": 01}"#, "expected a comma or }"), (#"{"anInt32": 0x1}"#, "expected a comma or }"),
        (#"{"anInt32": "01"}"#, "anInt32: expected an integer of 32 bits, found the string \"01\""),
        (#"{"anInt32": ""}"#, "anInt32: expected an integer of 32 bits, found the string \"\""),
        (#"{"anInt32": -}"#, "anInt32: expected an integer of 32 bits, found the number -"),
        (#"{"aDouble": "nan"}"#, "aDouble: expected a number, found the string \"nan\""),
        (#"{"aDouble": 1e309}"#, "aDouble: expected a number, found the number 1e309"),
        (#"{"mask": "a_b"}"#, Self.mask + "found the string \"a_b\""),
        (#"{"mask": "a,,b"}"#, Self.mask + "found the string \"a,,b\""),
        (#"{"time": "2023-02-29T00:00:00Z"}"#, Self.time + "found the string \"2023-02-29T00:00:00Z\""),
        (#"{"time": "0000-01-01T00:00:00Z"}"#, Self.time + "found the string \"0000-01-01T00:00:00Z\""),
        (#"{"time": "0001-01-01T00:00:00+01:00"}"#, Self.time + "found the string \"0001-01-01T00:00:00+01:00\""),
        (#"{"time": "2023-01-01t00:00:00z"}"#, Self.time + "found the string \"2023-01-01t00:00:00z\""),
        (#"{"duration": "315576000001s"}"#, Self.duration + "found the string \"315576000001s\""),
        (#"{"duration": "1"}"#, Self.duration + "found the string \"1\""),
        (#"{"duration": 1}"#, Self.duration + "found the number 1"),
        (#"{"any": {"@type": "x/no.Type"}}"#, "any.@type: no descriptor of the message no.Type"),
        (
            #"{"any": {"@type": "x/google.protobuf.Duration"}}"#,
            "any: a google.protobuf.Duration in an Any is given as its \"value\""
        ),
        (
            #"{"any": {"@type": "x/kinds.v1.Kinds.Nested", "idd": 1}}"#,
            "any.idd: no such field in kinds.v1.Kinds.Nested; it has: id, back"
        ),
        (#"{"values": [1, [2, {"a": tru}]]}"#, #"values[1][1]["a"]: expected a value"#),
        ("null", "expected an object, a kinds.v1.Kinds, found null"),
        (#"{"packedNumbers": [1, null]}"#, "packedNumbers[1]: expected an integer of 32 bits, found null"),
        (#"{"nested": nul}"#, "nested: expected an object, a kinds.v1.Kinds.Nested, found nul"),
    ])
    func mistakesAreNamed(json: String, expected: String) throws {
        var error = try #require(try error(json))
        #expect(error.place != nil)
        error.place = nil
        #expect(error.description == expected)
    }

    @Test(arguments: [
        (#"{"an_int32": 1e2}"#, #"{"anInt32":100}"#), (#"{"anInt32": "5"}"#, #"{"anInt32":5}"#),
        (#"{"anInt64": 9007199254740993}"#, #"{"anInt64":"9007199254740993"}"#),
        (#"{"anInt32": 1.0}"#, #"{"anInt32":1}"#), (#"{"anInt32": 0}"#, "{}"), (#"{"anInt32": null}"#, "{}"),
        (#"{"someBytes": "-_8"}"#, #"{"someBytes":"+/8="}"#), (#"{"color": 2}"#, #"{"color":"COLOR_GREEN"}"#),
        (#"{"color": 77}"#, #"{"color":77}"#), (#"{"value": null}"#, #"{"value":null}"#),
        (#"{"nothing": null}"#, #"{"nothing":null}"#), (#"{"text": null, "number": 0}"#, #"{"number":"0"}"#),
        (#"{"aDouble": "1.5"}"#, #"{"aDouble":1.5}"#), (#"{"aDouble": -0.0}"#, #"{"aDouble":-0}"#),
        (#"{"anInt64": 1.5e1}"#, #"{"anInt64":"15"}"#),
        (#"{"aUint64": "18446744073709551615"}"#, #"{"aUint64":"18446744073709551615"}"#),
        (#"{"anInt64": -9223372036854775808}"#, #"{"anInt64":"-9223372036854775808"}"#),
        (#"{"anInt32": 100000e-5}"#, #"{"anInt32":1}"#),
        (#"{"aUint64": 18446744073709551615.000}"#, #"{"aUint64":"18446744073709551615"}"#),
        (#"{"anInt32": -0}"#, "{}"),
        (#"{"aDouble": 1e-400}"#, "{}"), (#"{"aFloat": 3.4028235e38}"#, #"{"aFloat":3.4028235e+38}"#),
        (#"{"aDouble": 123456789012345678}"#, #"{"aDouble":1.2345678901234568e+17}"#),
        (#"{"aString": "\ud83d\ude00\u00e9\/\b"}"#, #"{"aString":"😀é/\b"}"#),
        (#"{"aStr\u0069ng": "a"}"#, #"{"aString":"a"}"#),
        (#"{"time": "1970-01-01T01:00:00.5+01:00"}"#, #"{"time":"1970-01-01T00:00:00.500Z"}"#),
        (#"{"duration": "-0.5s"}"#, #"{"duration":"-0.500s"}"#),
        (#"{"mask": ""}"#, #"{"mask":""}"#), (#"{"nothing": "NULL_VALUE"}"#, #"{"nothing":null}"#),
        (#"{"wrappedNumber": "5"}"#, #"{"wrappedNumber":"5"}"#),
        (#"{"wrappedNumber": null}"#, "{}"), (#"{"strings": null, "numbersByName": null}"#, "{}"),
        (#"{"structure": {"a": null}}"#, #"{"structure":{"a":null}}"#),
        (#"{"stringsByFlag": {"true": "a"}}"#, #"{"stringsByFlag":{"true":"a"}}"#), (#"{"any": {}}"#, #"{"any":{}}"#),
    ])
    func unusualButValidJSONIsAccepted(json: String, expected: String) throws {
        let transcoder = try Samples.transcoder()
        #expect(try String(decoding: transcoder.encode(transcoder.decode(Array(json.utf8))), as: UTF8.self) == expected)
    }

    @Test(arguments: [
        ("{\n  \"anInt32\": true}", "line 2, column 14: anInt32: expected an integer of 32 bits, found true"),
        ("", "line 1, column 1: there is no JSON"), (" {", "line 1, column 3: expected a name in double quotes"),
        (#"{"anInt32": 1,}"#, "line 1, column 15: expected a name in double quotes"),
        (#"{"anInt32" 1}"#, "line 1, column 12: expected a colon after \"anInt32\""),
        ("{} {}", "line 1, column 4: unexpected text after the JSON"),
        (#"{"strings": ["a" "b"]}"#, "line 1, column 18: strings: expected a comma or ]"),
        ("{\"aString\": \"a", "line 1, column 13: aString: the string has no end"),
        (#"{"aString": "\ud800"}"#, "line 1, column 14: aString: half of a surrogate pair"),
        (#"{"aString": "\udc00"}"#, "line 1, column 14: aString: half of a surrogate pair"),
        (#"{"aString": "\ud800\u0041"}"#, "line 1, column 14: aString: half of a surrogate pair"),
        (#"{"aString": "\u12g4"}"#, "line 1, column 18: aString: \\u needs four hexadecimal digits"),
        (#"{"aString": "\x"}"#, "line 1, column 14: aString: a backslash stands before a character that is no escape"),
        (
            "{\"aString\": \"a\u{1}\"}",
            "line 1, column 15: aString: a control character in a string must be written as \\u and four digits"
        ),
        ("\u{FEFF}{\"aString\": 5}", "line 1, column 16: aString: expected a string, found the number 5"),
    ])
    func mistakesHaveTheirPlace(json: String, expected: String) throws {
        #expect(try error(json)?.description == expected)
    }

    @Test func unknownFieldsAreIgnoredOnDemand() throws {
        var options = JSONOptions()
        options.ignoresUnknownFields = true
        let transcoder = try Samples.transcoder(options)
        let json =
            #"{"x": [1, {"y": "\u0041"}], "anInt32": 1, "x": null, "color": "BLUE", "colors": ["BLUE", "COLOR_RED"], "#
            + #""colorsByName": {"a": "BLUE", "b": "COLOR_RED"}, "any": {"@type": "x/google.protobuf.Duration", "z": 0, "value": "1s"}}"#
        let expected =
            #"{"anInt32":1,"colors":["COLOR_RED"],"colorsByName":{"b":"COLOR_RED"},"any":{"@type":"x/google.protobuf.Duration","value":"1s"}}"#
        #expect(try String(decoding: transcoder.encode(transcoder.decode(Array(json.utf8))), as: UTF8.self) == expected)
    }

    @Test(arguments: [
        (#"{"a": 1,}"#, "JSON, line 1, column 9: expected a name in double quotes"),
        ("{\"a\":\n  x}", "JSON, line 2, column 3: expected a value"),
        (#"{"a" 1}"#, "JSON, line 1, column 6: expected a colon after \"a\""),
        (#"{"a": 1, "a": 2}"#, "JSON, line 1, column 13: \"a\" occurs twice"),
        (#"[1 2]"#, "JSON, line 1, column 4: expected a comma or ]"), ("01", more(2)), ("1 1", more(3)),
        ("\"a", "JSON, line 1, column 1: the string has no end"), ("", "JSON, line 1, column 1: there is no JSON"),
        (#""\ud800""#, "JSON, line 1, column 8: half of a surrogate pair"),
        (#""\x""#, #"JSON, line 1, column 4: unknown escape \x"#),
        ("-", "JSON, line 1, column 2: expected a digit"),
        ("1.", "JSON, line 1, column 3: expected a digit"), ("tru", "JSON, line 1, column 1: expected a value"),
    ])
    func malformedDocumentIsRefusedWithItsPlace(json: String, expected: String) {
        #expect(throws: DescriptorError(expected)) { try JSONParser.parse(json) }
    }

    private static func more(_ column: Int) -> String {
        "JSON, line 1, column \(column): unexpected text after the JSON"
    }

    @Test func documentsOneAfterTheOther() throws {
        var parser = JSONParser("\u{FEFF}{\"a\": 1}{\"b\": \"\\ud83d\\ude00\"}\n [] 5 ".utf8)
        var texts: [String] = []
        while let document = try parser.next() { texts.append(document.text) }
        #expect(texts == [#"{"a":1}"#, #"{"b":"😀"}"#, "[]", "5"])
    }

    @Test func prettyText() throws {
        let json = try JSONParser.parse(#"{"a":[1,{"b":[]}],"c":{}}"#)
        #expect(json.prettyText == "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}")
    }

    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")])
    func base64(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(text.utf8))
    }

    @Test(arguments: ["a", "Zg=", "Zg===", "Z g=", "Zm9v====", "ä"])
    func invalidBase64IsRefused(text: String) {
        // Missing padding is accepted.
        #expect(Base64.decode(text) == (text == "Zg=" ? Array("f".utf8) : nil))
    }
}
