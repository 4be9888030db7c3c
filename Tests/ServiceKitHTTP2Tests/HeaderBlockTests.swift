import Testing

@testable import ServiceKitHTTP2

@Suite struct HeaderBlockTests {
    @Test func keepsFieldsInOrder() {
        let block = HeaderBlock(["a": "1", "name": "value", "a": "", "empty": "2"])
        var fields: [String] = []
        block.forEach { name, value in
            fields.append("\(String(decoding: name, as: UTF8.self))=\(String(decoding: value, as: UTF8.self))")
        }
        #expect(fields == ["a=1", "name=value", "a=", "empty=2"])
        #expect(block.count == 4)
    }

    @Test func listSizeFollowsHTTP2() {
        #expect(HeaderBlock().listSize == 0)
        #expect(HeaderBlock(["name": "value"]).listSize == 4 + 5 + 32)
        #expect(HeaderBlock(["a": "b", "c": ""]).listSize == 2 + 32 + 1 + 32)
    }

    /// Fields of up to 256 bytes are put together on the stack, longer ones are not.
    @Test(arguments: [0, 1, 243, 244, 245, 246, 10_000]) func keepsFieldsOfAnyLength(_ length: Int) {
        let value = String(repeating: "v", count: length)
        var block = HeaderBlock(status: 204)
        block.append(name: "name", value: value)
        block.append(name: value, value: "long name")
        block.append(name: "count", number: length)
        #expect(block.fields == [":status": "204", "name": value, value: "long name", "count": "\(length)"])
        #expect(block.count == 4)
    }

    @Test func lowercasesNamesAlone() {
        var block = HeaderBlock()
        block.append(lowercasing: "X-Trace_ID@[`{", value: "AbC")
        #expect(block.fields == ["x-trace_id@[`{": "AbC"])
    }
}
