import Testing

@testable import ServiceKit

/// Labels change, and every other byte stays.
@Suite struct JSONLabelsTests {
    private static func set(
        _ labels: [String: String?], in text: String, at path: [String] = ["metadata"]
    ) throws -> String {
        var json = JSONLabels(Array(text.utf8))
        try json.set(labels, at: path)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test func fieldsBesideLabelsStayUnchanged() throws {
        let text = """
            { "tags" : ["a",  {"metadata":{"weight":"1"}}], "zone":"\\u0065u\\/x", "version":1.10,
              "metadata": { "weight":"10", "x":{"weight":[1e5,"}"]} }, "id":"a", "id":"b\\"", "weight":"3" }

            """
        #expect(
            try Self.set(["weight": "50"], in: text) == text.replacing(#"{ "weight":"10""#, with: #"{ "weight":"50""#))
    }

    /// Object before, label, object after.
    @Test(arguments: [
        ("{}", #"{"w":"5"}"#),
        ("{ }", #"{"w":"5" }"#),
        (#"{"a":"1"}"#, #"{"a":"1","w":"5"}"#),
        (#"{"a":"1", "b": 2}"#, #"{"a":"1", "b": 2, "w": "5"}"#),
        ("{\n  \"a\" : \"1\"\n}", "{\n  \"a\" : \"1\",\n  \"w\" : \"5\"\n}"),
        ("{\n  \"a\":\"1\",\n  \"b\":\"1\"\n}", "{\n  \"a\":\"1\",\n  \"b\":\"1\",\n  \"w\":\"5\"\n}"),
    ])
    func addedLabelIsRemovedToTheByte(_ before: String, _ after: String) throws {
        let (before, after) = (#"{"metadata":\#(before),"x":1}"#, #"{"metadata":\#(after),"x":1}"#)
        #expect(try Self.set(["w": "5"], in: before) == after)
        #expect(try Self.set(["w": nil], in: after) == before)
        #expect(try Self.set(["w": "5", "v": "\"\n"], in: before).contains(#""v""#))
        #expect(try Self.set(["w": nil, "v": nil], in: Self.set(["w": "5", "v": "\"\n"], in: before)) == before)
    }

    @Test(arguments: [
        (#"{"id":"a"}"#, #"{"id":"a","metadata":{"w":"5"}}"#),
        (#"{"id":"a","metadata":null}"#, #"{"id":"a","metadata":{"w":"5"}}"#),
        (#"{}"#, #"{"metadata":{"w":"5"}}"#),
        (#"{"metadata":{"w":4}}"#, #"{"metadata":{"w":5}}"#),
        (#"{"metadata":{"w":true}}"#, #"{"metadata":{"w":"5"}}"#),
        (#"{"metadata":{"w":"4","w":"6"}}"#, #"{"metadata":{"w":"5","w":"5"}}"#),
        (#"{"metadata":{"w":"4"},"metadata":{"v":1}}"#, #"{"metadata":{"w":"5"},"metadata":{"v":1,"w":"5"}}"#),
        (#"{"metadata":{"\u0077":"4"}}"#, #"{"metadata":{"\u0077":"5"}}"#),
        (#"{"metadata":{"w":"\u0035"}}"#, #"{"metadata":{"w":"\u0035"}}"#),
        (#"{"metadata":{"w":[1,{"w":2}],"x":1}}"#, #"{"metadata":{"w":"5","x":1}}"#),
    ])
    func settingALabelKeepsAllOtherBytes(_ before: String, _ after: String) throws {
        #expect(try Self.set(["w": "5"], in: before) == after)
    }

    @Test(arguments: [
        (#"{"metadata":{"w":"4","x":"1","w":"6"}}"#, #"{"metadata":{"x":"1"}}"#),
        (#"{"metadata":{"w":"4","w":"6"}}"#, #"{"metadata":{}}"#),
        (#"{"metadata":{ "w":"4", "x":1 }}"#, #"{"metadata":{ "x":1 }}"#),
        (#"{"metadata":null}"#, #"{"metadata":null}"#),
        (#"{"id":"a"}"#, #"{"id":"a"}"#),
    ])
    func removingALabelKeepsAllOtherBytes(_ before: String, _ after: String) throws {
        #expect(try Self.set(["w": nil], in: before) == after)
    }

    @Test func missingNestedObjectIsCreated() throws {
        #expect(try Self.set(["w": "5"], in: "{}", at: ["a", "b"]) == #"{"a":{"b":{"w":"5"}}}"#)
        #expect(try Self.set(["w": "5"], in: #"{"a":{"c":1}}"#, at: ["a", "b"]) == #"{"a":{"c":1,"b":{"w":"5"}}}"#)
        #expect(try Self.set(["w": "5"], in: #"{"a":null}"#, at: ["a", "b"]) == #"{"a":{"b":{"w":"5"}}}"#)
    }

    @Test(arguments: [#"{"metadata":[]}"#, #"{"metadata":"x"}"#, #"{"metadata":17}"#, "[]", "", "{", #"{"metadata":{"#])
    func textWithoutAPlaceForLabelsIsRefused(_ text: String) {
        #expect(throws: JSONLabels.Failure.self) { try Self.set(["w": "5"], in: text) }
    }
}
