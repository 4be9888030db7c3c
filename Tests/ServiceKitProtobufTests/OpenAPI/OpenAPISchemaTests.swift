import SwiftProtobuf
import Testing

@testable import ServiceKitProtobuf

/// The schemas, against what the transcoder writes.
@Suite struct OpenAPISchemaTests {
    /// Each form of JSON.
    private static let forms: [JSONOptions] = {
        var numbers = JSONOptions()
        numbers.printsDefaults = true
        numbers.int64AsNumber = true
        numbers.enumsAsNumbers = true
        var names = JSONOptions()
        names.printsDefaults = true
        names.usesProtoNames = true
        return [JSONOptions(), numbers, names]
    }()

    private static func schemas(_ options: JSONOptions) -> (reference: JSONValue, JSONSchema) {
        var schemas = OpenAPISchemas(Samples.pool, options)
        let reference = schemas.message(Samples.kinds)
        schemas.complete()
        let components = schemas.components.map { JSONValue.Member($0.key, $0.value) }
        return (reference, JSONSchema(components: .object(components)))
    }

    @Test(arguments: forms)
    func messagesHaveTheirSchema(_ options: JSONOptions) throws {
        let (reference, schema) = Self.schemas(options)
        let transcoder = try JSONTranscoder(Samples.kinds, in: MessageTables(Samples.pool), options: options)
        // A number without a name is written as a number, also where enums are names. No schema says that.
        for sample in Samples.messages where sample.name != "unknown enum value" {
            let bytes: [UInt8] = try sample.message.serializedBytes()
            let json = try JSONParser.parse(String(decoding: try transcoder.encode(bytes), as: UTF8.self))
            #expect(schema.violations(of: json, by: reference) == [], "\(sample.name)")
        }
    }

    @Test(arguments: forms)
    func everyPropertyIsReadByItsName(_ options: JSONOptions) throws {
        let (_, schema) = Self.schemas(options)
        guard case .object(let properties)? = schema.components[Samples.kinds]?["properties"] else {
            Issue.record("no properties")
            return
        }
        let type = try Samples.pool.message(Samples.kinds)
        #expect(properties.map(\.name) == type.fields.map { options.usesProtoNames ? $0.name : $0.jsonName })
    }

    @Test(arguments: [
        (#"{"anInt32": "many"}"#, "$.anInt32: type"), (#"{"anInt64": 5}"#, "$.anInt64: type"),
        (#"{"anInt64": "5.5"}"#, "$.anInt64: pattern"), (#"{"anInt64": "007"}"#, "$.anInt64: pattern"),
        (#"{"aUint64": "-1"}"#, "$.aUint64: pattern"), (#"{"numbersByName": {"a": "b"}}"#, "$.numbersByName.a: type"),
        (#"{"aUint32": -1}"#, "$.aUint32: minimum"),
        (#"{"color": "BLUE"}"#, "$.color: enum"), (#"{"strings": "one"}"#, "$.strings: type"),
        (#"{"messagesById": {"x": {}}}"#, "$.messagesById.x: pattern"),
        (#"{"stringsByFlag": {"1": ""}}"#, "$.stringsByFlag.1: enum"),
        (#"{"text": "", "number": "1"}"#, "$: oneOf"), (#"{"duration": "5"}"#, "$.duration: pattern"),
        (#"{"wrappedNumber": 5}"#, "$.wrappedNumber: type"),
        (#"{"nested": {"back": {"aBool": 1}}}"#, "$.nested.back.aBool: type"),
        (#"{"aDouble": "one"}"#, "$.aDouble: anyOf"), (#"{"nothing": 0}"#, "$.nothing: type"),
    ])
    func wrongValuesBreakTheSchema(_ text: String, _ violation: String) throws {
        let (reference, schema) = Self.schemas(JSONOptions())
        #expect(schema.violations(of: try JSONParser.parse(text), by: reference) == [violation])
    }

    @Test(arguments: [
        #"{"wrappedNumber": null, "value": null, "nothing": null, "aDouble": "NaN", "structure": {"a": [1]}, "list": [1, "a"]}"#,
        #"{"any": {"@type": "type.googleapis.com/kinds.v1.Kinds", "aBool": true}, "text": ""}"#,
        #"{"time": "2026-01-02T03:04:05Z", "duration": "-1.5s", "mask": "a,b.c", "empty": {}}"#,
    ])
    func rightValuesKeepIt(_ text: String) throws {
        let (reference, schema) = Self.schemas(JSONOptions())
        #expect(schema.violations(of: try JSONParser.parse(text), by: reference) == [])
    }
}
