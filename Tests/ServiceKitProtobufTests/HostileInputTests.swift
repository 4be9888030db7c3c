import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitProtobuf

/// Input that is not a message gives an error, never a crash.
@Suite(.timeLimit(.minutes(1))) struct HostileInputTests {
    private let transcoder: JSONTranscoder

    init() throws {
        transcoder = try Samples.transcoder()
    }

    /// JSON that was written can be read, and is written the same again.
    private func check(_ bytes: [UInt8]) throws {
        guard let json = try? transcoder.encode(bytes) else { return }
        guard let again = try? transcoder.decode(json) else {
            // Only an Any of an unknown type cannot be read.
            #expect(String(decoding: json, as: UTF8.self).contains("@value"))
            return
        }
        #expect(try transcoder.encode(again) == json)
    }

    @Test func arbitraryBytes() throws {
        var numbers = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<40, using: &numbers)
            try check((0..<count).map { _ in UInt8.random(in: 0...255, using: &numbers) })
        }
    }

    @Test func messagesWithFlippedAndMissingBytes() throws {
        var numbers = SeededGenerator(seed: 2)
        for (_, message) in Samples.messages {
            let original: [UInt8] = try message.serializedBytes()
            if original.isEmpty { continue }
            for _ in 0..<1000 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...3, using: &numbers) {
                    bytes[Int.random(in: 0..<bytes.count, using: &numbers)] = .random(in: 0...255, using: &numbers)
                }
                try check(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &numbers))))
            }
        }
    }

    @Test func documentsWithFlippedBytes() throws {
        var numbers = SeededGenerator(seed: 3)
        for (_, message) in Samples.messages {
            let original = Array(try message.jsonString().utf8)
            for _ in 0..<1000 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...3, using: &numbers) {
                    bytes[Int.random(in: 0..<bytes.count, using: &numbers)] = .random(in: 0...255, using: &numbers)
                }
                var parser = JSONParser(bytes)
                while (try? parser.next()) != nil {}
                guard let wire = try? transcoder.decode(bytes) else { continue }
                try check(wire)
                guard let theirs = try? Kinds_V1_Kinds(jsonUTF8Bytes: bytes) else { continue }
                let ours = try Kinds_V1_Kinds(serializedBytes: wire)
                #expect(ours.textFormatString() == theirs.textFormatString())
            }
        }
    }

    @Test func changedBytesAreReadLikeGeneratedCode() throws {
        var numbers = SeededGenerator(seed: 4)
        var agreed = 0
        for (_, message) in Samples.messages {
            let original: [UInt8] = try message.serializedBytes()
            if original.isEmpty { continue }
            for _ in 0..<300 {
                var bytes = original
                bytes[Int.random(in: 0..<bytes.count, using: &numbers)] = .random(in: 0...255, using: &numbers)
                guard let theirs = try? Kinds_V1_Kinds(serializedBytes: bytes, options: .strict),
                    let json = try? transcoder.encode(bytes), let wire = try? transcoder.decode(json)
                else { continue }
                // Both drop unknown fields.
                let again = try Kinds_V1_Kinds(serializedBytes: wire, options: .strict)
                // Compared as text, since NaN equals nothing. JSON's null is the only NullValue.
                let expected = theirs.textFormatString()
                    .replacing(/(nothing|null_value): -?\d+/) { "\($0.1): NULL_VALUE" }
                let isSame = again.textFormatString() == expected
                #expect(isSame)
                agreed += 1
            }
        }
        #expect(agreed > 500)
    }

    @Test func nestingIsBounded() throws {
        var message: [UInt8] = []
        for _ in 0..<DynamicMessage.maxDepth {
            var writer = WireWriter()
            writer.tag(100, .delimited)
            writer.delimited(message)
            message = writer.bytes
        }
        #expect(throws: DescriptorError("kinds.v1.Kinds is nested more than 100 deep")) {
            try DynamicMessage(message, as: Samples.kinds, in: Samples.pool)
        }
        #expect(throws: JSONError.self) { try transcoder.encode(message) }
        func deeper(_ depth: Int) -> [UInt8] {
            Array((String(repeating: #"{"deeper":"#, count: depth) + "{}" + String(repeating: "}", count: depth)).utf8)
        }
        let wire = try transcoder.decode(deeper(99))
        #expect(try transcoder.encode(wire) == deeper(99))
        #expect(throws: JSONError.self) { try transcoder.decode(deeper(100)) }
        #expect(throws: DescriptorError.self) { try JSONParser.parse(String(repeating: "[", count: 100_000)) }
    }

    @Test(arguments: [
        #"{"value":"#, #"{"list":"#, #"{"structure":{"a":"#, #"{"deeper":"#, #"{"unknown":"#, #"{"any":"#,
    ])
    func hugeDepthIsRefused(start: String) throws {
        var options = JSONOptions()
        options.ignoresUnknownFields = true
        let transcoder = try Samples.transcoder(options)
        for bracket in ["[", #"{"a":"#, #"{"@type":"x/google.protobuf.Any","value":"#, #"{"deeper":"#] {
            let json = start + String(repeating: bracket, count: 100_000)
            #expect(throws: JSONError.self) { try transcoder.decode(Array(json.utf8)) }
        }
    }

    @Test(arguments: [
        "1" + String(repeating: "0", count: 100_000), "1e99999999999999999999",
        "0." + String(repeating: "0", count: 100_000) + "1",
        String(repeating: "9", count: 100_000), "1e-99999999999999999999",
    ])
    func hugeNumbers(number: String) throws {
        #expect(throws: JSONError.self) { try transcoder.decode(Array(#"{"anInt64":\#(number)}"#.utf8)) }
        _ = try? transcoder.decode(Array(#"{"aDouble":\#(number)}"#.utf8))
        _ = try? transcoder.decode(Array(#"{"aFloat":\#(number)}"#.utf8))
    }

    /// Bytes beyond the limit cost nothing.
    @Test func hugeStringTakesBoundedMemory() throws {
        var json = Array(#"{"aString":""#.utf8)
        json += Array(repeating: UInt8(ascii: "a"), count: 100 << 20)
        json += Array(#""}"#.utf8)
        let before = ResidentMemory.kibibytes
        let error = #expect(throws: JSONError.self) { try transcoder.decode(json) }
        #expect(error?.reason == "the JSON is longer than 67108864 bytes")
        #expect(ResidentMemory.kibibytes - before < 150 << 10)
        #expect(error?.field.isEmpty == true)
        var options = JSONOptions()
        options.maxBytes = 1 << 20
        let strict = try Samples.transcoder(options)
        let wire: [UInt8] = try Kinds_V1_Kinds.with { $0.aString = String(repeating: "a", count: 2 << 20) }
            .serializedBytes()
        #expect(throws: JSONError.self) { try strict.encode(wire) }
        let small = try transcoder.encode(wire)
        #expect(try transcoder.decode(small) == wire)
        #expect(ResidentMemory.kibibytes - before < 200 << 10)
    }

    @Test func truncatedMessages() throws {
        for (_, message) in Samples.messages {
            let bytes: [UInt8] = try message.serializedBytes()
            for count in bytes.indices { try check(Array(bytes[..<count])) }
            let json: [UInt8] = try message.jsonUTF8Bytes()
            for count in json.indices where count > 0 {
                #expect(throws: JSONError.self) { try transcoder.decode(Array(json[..<count])) }
            }
        }
    }

    @Test(
        arguments: [
            [0x72, 1, 0xFF], [0x72, 2, 0xC0, 0x80], [0x72, 3, 0xED, 0xA0, 0x80], [0x72, 4, 0xF4, 0x90, 0x80, 0x80],
            [0x72, 1, 0xC3],
            [0xF2, 1, 5, 0x0A, 1, 0xFF, 0x10, 1],
        ] as [[UInt8]])
    func invalidUTF8IsRefused(wire: [UInt8]) {
        let error = #expect(throws: JSONError.self) { try transcoder.encode(wire) }
        #expect(error?.reason.contains("not UTF-8") == true)
        #expect(throws: JSONError.self) {
            try transcoder.decode(Array(#"{"aString":""#.utf8) + wire[2...] + Array(#""}"#.utf8))
        }
    }

    @Test(
        arguments: [
            [0x18, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0], [0, 0], [0x1C],
            [0x72, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
            [0x1B, 0x1C], [0x1B], [0x1B, 0x24], [0x1E, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0],
        ] as [[UInt8]])
    func brokenWireIsRefused(wire: [UInt8]) {
        if wire == [0x1B, 0x1C] {
            // A group in the place of another field is unknown.
            #expect((try? transcoder.encode(wire)) == Array("{}".utf8))
        } else {
            #expect(throws: JSONError.self) { try transcoder.encode(wire) }
        }
    }

    /// Fields out of order at each depth cost a second pass, and not one for each depth.
    @Test func disorderAtEachDepth() throws {
        var message: [UInt8] = [0x20, 1, 0x18, 1]
        for _ in 0..<98 {
            var writer = WireWriter()
            writer.tag(100, .delimited)
            writer.delimited(message)
            message = writer.bytes + [0x18, 1]
        }
        let json = String(decoding: try transcoder.encode(message), as: UTF8.self)
        #expect(json.hasPrefix(#"{"anInt32":1,"deeper":{"anInt32":1,"deeper":"#))
    }

    @Test func groupsAreBounded() {
        let groups = [UInt8](repeating: 0x0B, count: 100_000)
        #expect(throws: DescriptorError.self) { try DynamicMessage(groups, as: Samples.kinds, in: Samples.pool) }
        #expect(throws: JSONError.self) { try transcoder.encode(groups) }
    }
}

extension BinaryDecodingOptions {
    fileprivate static var strict: BinaryDecodingOptions {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        return options
    }
}
