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
}
