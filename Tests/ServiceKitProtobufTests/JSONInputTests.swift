import Testing

@testable import ServiceKitProtobuf

/// Valid JSON for messages, and the errors for the rest.
@Suite struct JSONInputTests {
    private func error(_ json: String) -> String? {
        do {
            _ = try DynamicMessage(json: try JSONParser.parse(json), as: Samples.kinds, in: Samples.pool)
            return nil
        } catch {
            return error.message
        }
    }

    private func message(_ json: String) throws -> DynamicMessage {
        try DynamicMessage(json: try JSONParser.parse(json), as: Samples.kinds, in: Samples.pool)
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
        (#"{"text": "a", "number": 1}"#, "number: only one of choice can be given, and text has a value already"),
        (#"{"otherName": "a", "renamed": "b"}"#, "renamed: the field occurs twice"),
        (#"{"time": "yesterday"}"#, "time: expected a google.protobuf.Timestamp, found the string \"yesterday\""),
        (#"{"any": {"id": 1}}"#, "any: expected an object with \"@type\", found an object"),
        (#"[1]"#, "the message: expected an object, a kinds.v1.Kinds, found an array"),
    ])
    func mistakesAreNamed(json: String, expected: String) {
        #expect(error(json) == expected)
    }

    @Test(arguments: [
        (#"{"an_int32": 1e2}"#, #"{"anInt32":100}"#), (#"{"anInt32": "5"}"#, #"{"anInt32":5}"#),
        (#"{"anInt64": 9007199254740993}"#, #"{"anInt64":"9007199254740993"}"#),
        (#"{"anInt32": 1.0}"#, #"{"anInt32":1}"#), (#"{"anInt32": 0}"#, "{}"), (#"{"anInt32": null}"#, "{}"),
        (#"{"someBytes": "-_8"}"#, #"{"someBytes":"+/8="}"#), (#"{"color": 2}"#, #"{"color":"COLOR_GREEN"}"#),
        (#"{"color": 77}"#, #"{"color":77}"#), (#"{"value": null}"#, #"{"value":null}"#),
        (#"{"nothing": null}"#, #"{"nothing":null}"#), (#"{"text": null, "number": 0}"#, #"{"number":"0"}"#),
        (#"{"aDouble": "1.5"}"#, #"{"aDouble":1.5}"#), (#"{"aDouble": -0.0}"#, #"{"aDouble":-0}"#),
        (#"{"stringsByFlag": {"true": "a"}}"#, #"{"stringsByFlag":{"true":"a"}}"#), (#"{"any": {}}"#, #"{"any":{}}"#),
    ])
    func unusualButValidJSONIsAccepted(json: String, expected: String) throws {
        #expect(try message(json).json(in: Samples.pool).text == expected)
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
