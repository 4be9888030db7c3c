import Foundation
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitProtobuf

extension Samples {
    static let tables = MessageTables(pool)

    static func transcoder(_ options: JSONOptions = JSONOptions(), _ message: String = kinds) throws -> JSONTranscoder {
        try JSONTranscoder(message, in: tables, options: options)
    }
}

/// JSON of messages, compared with SwiftProtobuf's of the same messages.
@Suite struct TranscoderTests {
    static let random: [Kinds_V1_Kinds] = {
        var messages = RandomMessages(seed: 11)
        Google_Protobuf_Any.register(messageType: Kinds_V1_Kinds.Nested.self)
        return (0..<300).map { _ in messages.message() }
    }()

    private static let all = Samples.messages.map(\.message) + random

    /// Compared as text, since NaN equals nothing.
    private func areEqual(_ one: Kinds_V1_Kinds, _ other: Kinds_V1_Kinds) -> Bool {
        one == other || one.textFormatString() == other.textFormatString()
    }

    @Test(arguments: [false, true], [false, true])
    func jsonEqualsGeneratedCode(asNumbers: Bool, protoNames: Bool) throws {
        var options = JSONOptions()
        options.int64AsNumber = asNumbers
        options.enumsAsNumbers = asNumbers
        options.usesProtoNames = protoNames
        var theirOptions = JSONEncodingOptions()
        theirOptions.alwaysPrintInt64sAsNumbers = asNumbers
        theirOptions.alwaysPrintEnumsAsInts = asNumbers
        theirOptions.preserveProtoFieldNames = protoNames
        let transcoder = try Samples.transcoder(options)
        for message in Self.all {
            // An Any keeps the options of the message that it was made of, so it is compared on its own.
            var message = message
            if asNumbers || protoNames { message.clearAny() }
            let json = try transcoder.encode(message.serializedBytes())
            let text = try #require(String(validating: json, as: UTF8.self))
            let theirs = try message.jsonString(options: theirOptions)
            let (ours, expected) = (try JSONParser.parse(text), try JSONParser.parse(theirs))
            let isSame = ours.normalized == expected.normalized
            #expect(isSame)
            if asNumbers || protoNames { continue }
            let isEqual = areEqual(try Kinds_V1_Kinds(jsonString: text), message)
            #expect(isEqual)
        }
    }

    @Test(arguments: [false, true])
    func jsonOfGeneratedCodeIsRead(asNumbers: Bool) throws {
        var options = JSONEncodingOptions()
        options.alwaysPrintInt64sAsNumbers = asNumbers
        options.alwaysPrintEnumsAsInts = asNumbers
        options.preserveProtoFieldNames = asNumbers
        let transcoder = try Samples.transcoder()
        for message in Self.all {
            let json: [UInt8] = try message.jsonUTF8Bytes(options: options)
            let wire = try transcoder.decode(json)
            let isEqual = areEqual(try Kinds_V1_Kinds(serializedBytes: wire), message)
            #expect(isEqual)
        }
    }

    @Test func ownJSONIsReadBack() throws {
        var options = JSONOptions()
        options.printsDefaults = true
        let (plain, full) = (try Samples.transcoder(), try Samples.transcoder(options))
        for message in Self.all {
            let wire: [UInt8] = try message.serializedBytes()
            for transcoder in [plain, full] {
                let read: [UInt8] = try transcoder.decode(transcoder.encode(wire))
                let again = try Kinds_V1_Kinds(serializedBytes: read)
                let isEqual = areEqual(again, message)
                #expect(isEqual)
            }
        }
    }

    // MARK: - Defaults

    @Test func defaultsArePrinted() throws {
        var options = JSONOptions()
        options.printsDefaults = true
        let nested = try Samples.transcoder(options, "kinds.v1.Kinds.Nested")
        #expect(String(decoding: try nested.encode([]), as: UTF8.self) == #"{"id":"0"}"#)
        let json = String(decoding: try Samples.transcoder(options).encode([]), as: UTF8.self)
        #expect(
            json == #"{"aDouble":0,"aFloat":0,"anInt32":0,"anInt64":"0","aUint32":0,"aUint64":"0","aSint32":0,"#
                + #""aSint64":"0","aFixed32":0,"aFixed64":"0","aSfixed32":0,"aSfixed64":"0","aBool":false,"aString":"","#
                + #""someBytes":"","color":"COLOR_UNSPECIFIED","otherName":"","packedNumbers":[],"unpackedNumbers":[],"#
                + #""strings":[],"messages":[],"colors":[],"doubles":[],"numbersByName":{},"messagesById":{},"#
                + #""stringsByFlag":{},"colorsByName":{},"values":[],"times":[]}"#)
        // Between present fields too, in the order of the numbers.
        let some =
            try Kinds_V1_Kinds.with {
                $0.color = .red
                $0.text = "x"
                $0.packedNumbers = [1]
            }.serializedBytes() as [UInt8]
        let between = String(decoding: try Samples.transcoder(options).encode(some), as: UTF8.self)
        #expect(between.contains(#""color":"COLOR_RED","otherName":"","packedNumbers":[1],"unpackedNumbers":[]"#))
        #expect(between.contains(#""colorsByName":{},"text":"x","values":[]"#))
    }

    // MARK: - The wire's freedom

    /// Fields in a random order, split and doubled, mean what they mean to generated code.
    @Test func fieldsInAnyOrder() throws {
        var numbers = SeededGenerator(seed: 12)
        let transcoder = try Samples.transcoder()
        for (one, other) in zip(Self.random, Self.random.dropFirst()) {
            var pieces: [[UInt8]] = []
            for message in [one, other] {
                let bytes: [UInt8] = try message.serializedBytes()
                var reader = WireReader(bytes[...])
                var start = 0
                while !reader.isAtEnd {
                    let (number, type) = try reader.tag()
                    try reader.skip(type, number: number, depth: 10)
                    pieces.append(Array(bytes[start..<reader.offset]))
                    start = reader.offset
                }
            }
            let wire = pieces.shuffled(using: &numbers).flatMap { $0 }
            guard let expected = try? Kinds_V1_Kinds(serializedBytes: wire) else { continue }
            // SwiftProtobuf merges two values of a Value and of Any as it likes.
            let theirs = try? expected.jsonString()
            let ours = try? transcoder.encode(wire)
            guard let theirs, let ours else { continue }
            let text = String(decoding: ours, as: UTF8.self)
            let isSame = try JSONParser.parse(text).normalized == JSONParser.parse(theirs).normalized
            #expect(isSame)
        }
    }

    @Test(
        arguments: [
            // Singular fields: the last counts.
            ([0x18, 1, 0x18, 2], #"{"anInt32":2}"#), ([0x18, 1, 0x18, 0], "{}"),
            ([0x20, 5, 0x18, 1], #"{"anInt32":1,"anInt64":"5"}"#),
            // Packed and not, and both.
            ([0xA2, 1, 2, 1, 2, 0xA0, 1, 3], #"{"packedNumbers":[1,2,3]}"#),
            ([0xA8, 1, 1, 0xAA, 1, 2, 2, 3, 0x18, 1, 0xA8, 1, 4], #"{"anInt32":1,"unpackedNumbers":[1,2,3,4]}"#),
            ([0xA2, 1, 0], "{}"),
            // Oneofs: the last counts, and clears what was merged.
            ([0x92, 3, 1, 0x61, 0x98, 3, 5], #"{"number":"5"}"#), ([0x98, 3, 5, 0x92, 3, 1, 0x61], #"{"text":"a"}"#),
            ([0xA2, 3, 2, 8, 1, 0x98, 3, 5, 0xA2, 3, 0], #"{"message":{}}"#),
            ([0xA2, 3, 2, 8, 1, 0xA2, 3, 0], #"{"message":{"id":"1"}}"#),
            // Messages are merged.
            ([0x8A, 1, 2, 8, 1, 0x8A, 1, 4, 0x12, 2, 0x18, 7], #"{"nested":{"id":"1","back":{"anInt32":7}}}"#),
            // Maps: the last of a key counts; key and value in any order, or missing.
            ([0xF2, 1, 5, 0x0A, 1, 0x61, 0x10, 1, 0xF2, 1, 5, 0x0A, 1, 0x61, 0x10, 2], #"{"numbersByName":{"a":2}}"#),
            ([0xF2, 1, 5, 0x10, 1, 0x0A, 1, 0x61], #"{"numbersByName":{"a":1}}"#),
            ([0xF2, 1, 0], #"{"numbersByName":{"":0}}"#),
            ([0xFA, 1, 0], #"{"messagesById":{"0":{}}}"#),
            ([0xFA, 1, 8, 0x12, 2, 8, 1, 0x12, 2, 0x12, 0], #"{"messagesById":{"0":{"id":"1","back":{}}}}"#),
            // Unknown fields and wire types are skipped.
            ([0xBA, 0x3E, 1, 0, 0x18, 1, 0x1D, 1, 0, 0, 0], #"{"anInt32":1}"#),
            ([0x18, 1, 0xBB, 0x3E, 0x0B, 0x0C, 0xBC, 0x3E], #"{"anInt32":1}"#),
            // Overlong numbers.
            ([0x18, 0x81, 0x80, 0x80, 0], #"{"anInt32":1}"#), ([0x98, 0x80, 0, 1], #"{"anInt32":1}"#),
            ([0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F], #"{"anInt32":-1}"#),
        ] as [([UInt8], String)])
    func wireIsReadAsReadersDo(wire: [UInt8], json: String) throws {
        #expect(String(decoding: try Samples.transcoder().encode(wire), as: UTF8.self) == json)
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        #expect(try Kinds_V1_Kinds(serializedBytes: wire, options: options) == (try Kinds_V1_Kinds(jsonString: json)))
    }

    @Test func theOlderSyntax() throws {
        let original = Kinds_Legacy_Legacy.with {
            $0.id = 0
            $0.name = ""
            $0.numbers = [1, 2, 3]
            $0.pair.left = 4
            $0.pair.right.id = 5
            $0.pair.right.pair.left = 6
        }
        let transcoder = try Samples.transcoder(.init(), "kinds.legacy.Legacy")
        let wire: [UInt8] = try original.serializedBytes()
        let json = try transcoder.encode(wire)
        #expect(
            String(decoding: json, as: UTF8.self) == #"{"id":0,"name":"","numbers":[1,2,3],"#
                + #""pair":{"left":4,"right":{"id":5,"pair":{"left":6}}}}"#)
        #expect(try transcoder.decode(json) == wire)
        // A group in two pieces is merged.
        let split: [UInt8] = [0x23, 0x08, 1, 0x24, 0x23, 0x12, 2, 0x08, 5, 0x24]
        #expect(
            String(decoding: try transcoder.encode(split), as: UTF8.self) == #"{"pair":{"left":1,"right":{"id":5}}}"#)
    }

    // MARK: - Any

    @Test func anAny() throws {
        let transcoder = try Samples.transcoder()
        func check(_ inner: any Message, _ json: String) throws {
            let original = try Kinds_V1_Kinds.with { $0.any = try Google_Protobuf_Any(message: inner) }
            let text = String(decoding: try transcoder.encode(original.serializedBytes()), as: UTF8.self)
            #expect(text == json)
            let read = try Kinds_V1_Kinds(serializedBytes: try transcoder.decode(Array(json.utf8)))
            #expect(read.any.typeURL == original.any.typeURL && read.any.value == original.any.value)
        }
        let prefix = #"{"any":{"@type":"type.googleapis.com/"#
        try check(Kinds_V1_Kinds.Nested.with { $0.id = 5 }, prefix + #"kinds.v1.Kinds.Nested","id":"5"}}"#)
        try check(Kinds_V1_Kinds.Nested(), prefix + #"kinds.v1.Kinds.Nested"}}"#)
        try check(Google_Protobuf_Duration(seconds: 3), prefix + #"google.protobuf.Duration","value":"3s"}}"#)
        try check(Google_Protobuf_Int64Value(0), prefix + #"google.protobuf.Int64Value","value":"0"}}"#)
        try check(Google_Protobuf_Empty(), prefix + #"google.protobuf.Empty"}}"#)
        try check(
            try Google_Protobuf_Any(message: Google_Protobuf_Duration(seconds: 3)),
            prefix
                + #"google.protobuf.Any","value":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"3s"}}}"#
        )
    }

    @Test(arguments: [
        (
            #"{"any": {"id": "5", "@type": "x/kinds.v1.Kinds.Nested"}}"#,
            #"{"any":{"@type":"x/kinds.v1.Kinds.Nested","id":"5"}}"#
        ),
        (
            #"{"any": {"value": "3s", "@type": "x/google.protobuf.Duration"}}"#,
            #"{"any":{"@type":"x/google.protobuf.Duration","value":"3s"}}"#
        ),
        (
            #"{"any": {"value": {}, "@type": "x/google.protobuf.Empty"}}"#,
            #"{"any":{"@type":"x/google.protobuf.Empty"}}"#
        ), (#"{"any": {}}"#, #"{"any":{}}"#),
    ])
    func anAnyWithItsTypeAnywhere(json: String, expected: String) throws {
        let transcoder = try Samples.transcoder()
        let wire = try transcoder.decode(Array(json.utf8))
        #expect(String(decoding: try transcoder.encode(wire), as: UTF8.self) == expected)
    }

    @Test func anAnyOfAnUnknownTypeIsGivenAsBytes() throws {
        let original = Kinds_V1_Kinds.with {
            $0.any.typeURL = "x/unknown.Type"
            $0.any.value = .init([1, 2, 3])
        }
        let json = try Samples.transcoder().encode(original.serializedBytes())
        #expect(String(decoding: json, as: UTF8.self) == #"{"any":{"@type":"x/unknown.Type","@value":"AQID"}}"#)
    }
}

extension JSONValue {
    /// A value in a comparable form: numbers by value, members by name.
    var normalized: JSONValue {
        switch self {
        case .number(let text): .number("\(Double(text) ?? .nan)")
        case .array(let elements): .array(elements.map(\.normalized))
        case .object(let members):
            .object(members.map { Member($0.name, $0.value.normalized) }.sorted { $0.name < $1.name })
        case .null, .bool, .string: self
        }
    }
}
