import Foundation
import Testing

@testable import ServiceKit

/// The reader of plain JSON gives the same result as decoding, or none.
@Suite struct PlainInstanceReaderTests {
    private static let instance = """
        {"id":"7c9f","name":"user","version":"v1.2","metadata":{"zone":"eu","weight":"10","":"ü"},\
        "endpoints":["grpc://10.0.0.7:9000","http://[fd00::7]:8000?isSecure=true"]}
        """

    private static func read(_ json: String) -> ServiceInstance? {
        PlainInstanceReader.instance(in: Array(json.utf8), service: "user")
    }

    private static func decoded(_ json: [UInt8]) -> ServiceInstance? {
        try? JSONDecoder().decode(ServiceInstance.self, from: Data(json))
    }

    @Test(arguments: [
        instance,
        #"{"id":"a","name":"other"}"#,
        #"{"id":"a","name":"user","version":"","metadata":null,"endpoints":null}"#,
        #"{"id":"a","name":"user","metadata":{},"endpoints":[]}"#,
        " {\n\t\"id\" : \"a\" ,\r\n \"name\":\"user\", \"endpoints\" : [ \"grpc://h:1\" ] , \"metadata\" : { \"k\" : \"v\" } } ",
    ])
    func plainJSONIsRead(_ json: String) throws {
        let instance = try #require(Self.read(json))
        #expect(instance == Self.decoded(Array(json.utf8)))
    }

    @Test(arguments: [
        "", "{}", "[]", "null", #"{"id":"a"}"#, #"{"name":"user"}"#,
        #"{"id":"\u0061","name":"user"}"#, #"{"id":"a\"","name":"user"}"#, "{\"id\":\"a\n\",\"name\":\"user\"}",
        #"{"id":"a","id":"b","name":"user"}"#, #"{"id":"a","name":"user","metadata":{"k":"1","k":"2"}}"#,
        #"{"id":"a","name":"user","more":1}"#, #"{"id":1,"name":"user"}"#, #"{"id":null,"name":"user"}"#,
        #"{"id":"a","name":"user","metadata":{"k":1}}"#, #"{"id":"a","name":"user","endpoints":["h:1"]}"#,
        #"{"id":"a","name":"user"}x"#, #"{"id":"a","name":"user",}"#,
        #"{"id":"a","name":"user","endpoints":["grpc://h:1",]}"#,
        #"{"id":"a","name":"user","metadata":nul}"#,
    ])
    func otherJSONIsLeftToTheDecoder(_ json: String) {
        #expect(Self.read(json) == nil)
    }

    @Test func invalidUTF8IsNotPlain() {
        let bytes = Array(#"{"id":"a"#.utf8) + [0xFF] + Array(#"","name":"user"}"#.utf8)
        #expect(PlainInstanceReader.instance(in: bytes, service: "user") == nil)
    }

    /// One byte more, less or other, at any place.
    @Test func everyPlainReadEqualsDecoding() {
        let json = Array(Self.instance.utf8)
        for index in json.indices {
            for byte in [UInt8(0), 0x20, 0x22, 0x2C, 0x3A, 0x5B, 0x5C, 0x7D, 0x61, 0x80, 0xFF] {
                var replaced = json
                replaced[index] = byte
                var longer = json
                longer.insert(byte, at: index)
                for variant in [replaced, longer, Array(json[..<index])] {
                    guard let instance = PlainInstanceReader.instance(in: variant, service: "user") else { continue }
                    #expect(instance == Self.decoded(variant), "\(String(decoding: variant, as: UTF8.self))")
                }
            }
        }
    }
}
