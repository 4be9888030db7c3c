import Foundation
import SwiftProtobuf
import Testing

@testable import ServiceKitProtobuf

/// Messages by descriptors, compared with generated code for the same files.
@Suite struct RoundTripTests {
    @Test(arguments: Samples.messages.indices)
    func wireFormatEqualsGeneratedCode(index: Int) throws {
        let original = Samples.messages[index].message
        let message = try DynamicMessage(original.serializedBytes(), as: Samples.kinds, in: Samples.pool)
        let bytes = try message.serialized(in: Samples.pool)
        #expect(try Kinds_V1_Kinds(serializedBytes: bytes) == original, "\(Samples.messages[index].name)")
        #expect(bytes.count == (try original.serializedBytes() as [UInt8]).count)
    }

    @Test(arguments: Samples.messages.indices)
    func jsonEqualsGeneratedCode(index: Int) throws {
        let original = Samples.messages[index].message
        let message = try DynamicMessage(original.serializedBytes(), as: Samples.kinds, in: Samples.pool)
        let json = try message.json(in: Samples.pool)
        let expected = try JSONParser.parse(original.jsonString())
        #expect(json.normalized == expected.normalized, "\(Samples.messages[index].name)")
        #expect(try Kinds_V1_Kinds(jsonString: json.text) == original)
        #expect(try JSONParser.parse(json.prettyText) == json)
    }

    @Test(arguments: Samples.messages.indices)
    func jsonOfGeneratedCodeIsRead(index: Int) throws {
        let original = Samples.messages[index].message
        for preservesNames in [false, true] {
            var options = JSONEncodingOptions()
            options.preserveProtoFieldNames = preservesNames
            options.alwaysPrintEnumsAsInts = preservesNames
            options.alwaysPrintInt64sAsNumbers = preservesNames
            let json = try JSONParser.parse(original.jsonString(options: options))
            let bytes = try DynamicMessage(json: json, as: Samples.kinds, in: Samples.pool)
                .serialized(in: Samples.pool)
            #expect(try Kinds_V1_Kinds(serializedBytes: bytes) == original, "\(json.text)")
        }
    }

    @Test func notANumber() throws {
        let original = Kinds_V1_Kinds.with { $0.aDouble = .nan }
        let message = try DynamicMessage(original.serializedBytes(), as: Samples.kinds, in: Samples.pool)
        #expect(try message.json(in: Samples.pool).text == #"{"aDouble":"NaN"}"#)
    }

    @Test func defaultsCanBeWritten() throws {
        let json = try DynamicMessage("kinds.v1.Kinds.Nested").json(in: Samples.pool, emitsDefaults: true)
        #expect(json.text == #"{"id":"0"}"#)
        guard case .object(let members) = try DynamicMessage(Samples.kinds).json(in: Samples.pool, emitsDefaults: true)
        else {
            Issue.record("no object")
            return
        }
        let names = members.map(\.name)
        #expect(names.contains("packedNumbers") && names.contains("numbersByName") && names.contains("color"))
        // Fields with presence are missing.
        #expect(!names.contains("optionalNumber") && !names.contains("nested") && !names.contains("text"))
        #expect(members.first { $0.name == "color" }?.value == .string("COLOR_UNSPECIFIED"))
    }

    @Test func anAnyOfAKnownType() throws {
        let inner = Kinds_V1_Kinds.Nested.with { $0.id = 5 }
        let original = try Kinds_V1_Kinds.with { $0.any = try Google_Protobuf_Any(message: inner) }
        let message = try DynamicMessage(original.serializedBytes(), as: Samples.kinds, in: Samples.pool)
        let json = try message.json(in: Samples.pool)
        #expect(json.text == #"{"any":{"@type":"type.googleapis.com/kinds.v1.Kinds.Nested","id":"5"}}"#)
        let again = try DynamicMessage(json: json, as: Samples.kinds, in: Samples.pool)
        #expect(again == message)
    }

    @Test func anAnyOfATypeWithAFormOfItsOwn() throws {
        let original = try Kinds_V1_Kinds.with {
            $0.any = try Google_Protobuf_Any(message: Google_Protobuf_Duration(seconds: 3))
        }
        let message = try DynamicMessage(original.serializedBytes(), as: Samples.kinds, in: Samples.pool)
        let json = try message.json(in: Samples.pool)
        #expect(json.text == #"{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"3s"}}"#)
        #expect(try DynamicMessage(json: json, as: Samples.kinds, in: Samples.pool) == message)
    }

    @Test func anAnyOfAnUnknownTypeIsGivenAsBytes() throws {
        let original = Kinds_V1_Kinds.with {
            $0.any.typeURL = "x/unknown.Type"
            $0.any.value = .init([1, 2, 3])
        }
        let message = try DynamicMessage(original.serializedBytes(), as: Samples.kinds, in: Samples.pool)
        #expect(try message.json(in: Samples.pool).text == #"{"any":{"@type":"x/unknown.Type","@value":"AQID"}}"#)
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
        let message = try DynamicMessage(original.serializedBytes(), as: "kinds.legacy.Legacy", in: Samples.pool)
        let json = try message.json(in: Samples.pool)
        #expect(
            json.text == #"{"id":0,"name":"","numbers":[1,2,3],"#
                + #""pair":{"left":4,"right":{"id":5,"pair":{"left":6}}}}"#
        )
        let bytes = try DynamicMessage(json: json, as: "kinds.legacy.Legacy", in: Samples.pool)
            .serialized(in: Samples.pool)
        #expect(try Kinds_Legacy_Legacy(serializedBytes: bytes) == original)
        #expect(bytes == (try original.serializedBytes()))
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
