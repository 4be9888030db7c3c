import ServiceKitProtobuf
import SwiftProtobuf
import Testing

/// Rules in descriptors. They are written by hand, as `protoc` would with protobuf's `buf/validate/validate.proto`.
@Suite struct ValidationRulesTests {
    /// A message in the wire format.
    struct Wire {
        var writer = WireWriter()

        static func make(_ body: (inout WireWriter) -> Void) -> [UInt8] {
            var writer = WireWriter()
            body(&writer)
            return writer.bytes
        }

        static func number(_ field: Int32, _ value: UInt64) -> [UInt8] {
            make {
                $0.tag(field, .varint)
                $0.varint(value)
            }
        }

        static func bytes(_ field: Int32, _ content: some Collection<UInt8>) -> [UInt8] {
            make {
                $0.tag(field, .delimited)
                $0.delimited(content)
            }
        }

        static func text(_ field: Int32, _ text: String) -> [UInt8] { bytes(field, Array(text.utf8)) }
    }

    typealias Kind = Google_Protobuf_FieldDescriptorProto.TypeEnum

    /// A field with rules, as the bytes of a `buf.validate.FieldRules`.
    private static func field(
        _ name: String, _ number: Int32, _ kind: Kind, _ rules: [UInt8]? = nil, type: String = "",
        isRepeated: Bool = false,
        isOptional: Bool = false
    ) throws -> Google_Protobuf_FieldDescriptorProto {
        var field = Google_Protobuf_FieldDescriptorProto()
        field.name = name
        field.number = number
        field.type = kind
        field.label = isRepeated ? .repeated : .optional
        field.typeName = type
        field.proto3Optional = isOptional
        if isOptional { field.oneofIndex = 0 }
        if let rules { field.options = try .init(serializedBytes: Wire.bytes(1159, rules)) }
        return field
    }

    private static func rules(_ fields: [Google_Protobuf_FieldDescriptorProto]) throws -> ValidationRules {
        var file = Google_Protobuf_FileDescriptorProto()
        file.name = "a.proto"
        file.package = "a"
        file.syntax = "proto3"
        var message = Google_Protobuf_DescriptorProto()
        message.name = "M"
        message.field = fields
        if fields.contains(where: \.proto3Optional) {
            var oneof = Google_Protobuf_OneofDescriptorProto()
            oneof.name = "_o"
            message.oneofDecl = [oneof]
        }
        var inner = Google_Protobuf_DescriptorProto()
        inner.name = "Inner"
        inner.field = [try field("name", 1, .string, Wire.bytes(14, Wire.number(2, 2)))]
        var plain = Google_Protobuf_DescriptorProto()
        plain.name = "Plain"
        plain.field = [try field("name", 1, .string)]
        var color = Google_Protobuf_EnumDescriptorProto()
        color.name = "Color"
        for (number, name) in [(0, "NONE"), (1, "RED"), (5, "BLUE")] {
            var value = Google_Protobuf_EnumValueDescriptorProto()
            value.name = name
            value.number = Int32(number)
            color.value.append(value)
        }
        file.messageType = [message, inner, plain]
        file.enumType = [color]
        return ValidationRules(try DescriptorPool([file]))
    }

    private static func broken(_ rules: ValidationRules, _ message: [UInt8]) throws -> [String] {
        try rules.violations(of: message, as: "a.M").map { "\($0.field) \($0.rule)" }
    }

    @Test func messagesWithoutRulesAreNoConcern() throws {
        let rules = try Self.rules([try Self.field("x", 1, .int32)])
        #expect(!rules.concern("a.M") && !rules.concern("a.Plain") && rules.concern("a.Inner"))
        #expect(rules.ignored == [])
    }

    @Test func requiredFieldMustBeSet() throws {
        let required = Wire.number(25, 1)
        let rules = try Self.rules([
            try Self.field("x", 1, .int32, required), try Self.field("m", 2, .message, required, type: ".a.Plain"),
            try Self.field("l", 3, .string, required, isRepeated: true),
        ])
        #expect(try Self.broken(rules, []) == ["x required", "m required", "l required"])
        // The zero value of a field without presence is like none.
        let zero = Wire.number(1, 0) + Wire.bytes(2, []) + Wire.text(3, "")
        #expect(try Self.broken(rules, zero) == ["x required"])
        #expect(try Self.broken(rules, Wire.number(1, 7) + zero.dropFirst(2)) == [])
    }

    @Test func textHasLengthsInCharactersAndPatterns() throws {
        let string = Wire.bytes(14, Wire.number(2, 2) + Wire.number(3, 4) + Wire.text(6, "^[a-zé]*$"))
        let rules = try Self.rules([try Self.field("s", 1, .string, string)])
        for (text, expected) in [
            ("ab", []), ("éé", []), ("abcd", []), ("a", ["s string.min_len"]), ("abcde", ["s string.max_len"]),
            ("AB", ["s string.pattern"]), ("1", ["s string.min_len", "s string.pattern"]),
        ] as [(String, [String])] {
            #expect(try Self.broken(rules, Wire.text(1, text)) == expected, "\(text)")
        }
        // Without presence, a missing text is an empty one.
        #expect(try Self.broken(rules, []) == ["s string.min_len"])
        let exact = try Self.rules([try Self.field("s", 1, .string, Wire.bytes(14, Wire.number(19, 3)))])
        #expect(try Self.broken(exact, Wire.text(1, "abc")) == [])
        #expect(try Self.broken(exact, Wire.text(1, "ab")) == ["s string.len"])
    }

    @Test func hugeTextMatchesNoPattern() throws {
        let rules = try Self.rules([try Self.field("s", 1, .string, Wire.bytes(14, Wire.text(6, "^a*$")))])
        #expect(try Self.broken(rules, Wire.text(1, String(repeating: "a", count: 4096))) == [])
        #expect(try Self.broken(rules, Wire.text(1, String(repeating: "a", count: 4097))) == ["s string.pattern"])
    }

    @Test func fieldWithPresenceIsCheckedIfItIsSet() throws {
        let string = Wire.bytes(14, Wire.number(2, 2))
        let rules = try Self.rules([try Self.field("s", 1, .string, string, isOptional: true)])
        #expect(try Self.broken(rules, []) == [])
        #expect(try Self.broken(rules, Wire.text(1, "")) == ["s string.min_len"])
        let lenient = try Self.rules([try Self.field("s", 1, .string, string + Wire.number(27, 1), isOptional: true)])
        #expect(try Self.broken(lenient, Wire.text(1, "")) == [])
        let never = try Self.rules([try Self.field("s", 1, .string, string + Wire.number(27, 3))])
        #expect(try Self.broken(never, []) == [] && !never.concern("a.M"))
    }

    @Test func numbersHaveBounds() throws {
        // int32: 1 ≤ x < 10
        let int = Wire.bytes(3, Wire.number(5, 1) + Wire.number(2, 10))
        let rules = try Self.rules([try Self.field("x", 1, .int32, int)])
        #expect(try Self.broken(rules, Wire.number(1, 9)) == [])
        #expect(try Self.broken(rules, Wire.number(1, 10)) == ["x int32.lt"])
        #expect(try Self.broken(rules, []) == ["x int32.gte"])
        #expect(try Self.broken(rules, Wire.number(1, UInt64(bitPattern: -5))) == ["x int32.gte"])
        // sint64: x > -3, in zigzag
        let signed = try Self.rules([try Self.field("x", 1, .sint64, Wire.bytes(8, Wire.number(4, 5)))])
        #expect(try Self.broken(signed, Wire.number(1, 3)) == [])
        #expect(try Self.broken(signed, Wire.number(1, 5)) == ["x sint64.gt"])
        let double = { (number: Int32, value: Double) in
            Wire.make {
                $0.tag(number, .fixed64)
                $0.fixed(value.bitPattern)
            }
        }
        let fraction = try Self.rules([try Self.field("x", 1, .double, Wire.bytes(2, double(3, 0.5)))])
        #expect(try Self.broken(fraction, double(1, 0.5)) == [])
        #expect(try Self.broken(fraction, double(1, 0.6)) == ["x double.lte"])
        #expect(try Self.broken(fraction, double(1, .nan)) == ["x double.lte"])
        let large = try Self.rules([try Self.field("x", 1, .uint64, Wire.bytes(6, Wire.number(3, .max - 1)))])
        #expect(try Self.broken(large, Wire.number(1, .max)) == ["x uint64.lte"])
    }

    @Test func enumMustBeDefined() throws {
        let defined = Wire.bytes(16, Wire.number(2, 1))
        let rules = try Self.rules([try Self.field("c", 1, .enum, defined, type: ".a.Color")])
        #expect(try Self.broken(rules, Wire.number(1, 5)) == [])
        #expect(try Self.broken(rules, Wire.number(1, 2)) == ["c enum.defined_only"])
        #expect(try Self.broken(rules, Wire.number(1, UInt64(bitPattern: -1))) == ["c enum.defined_only"])
    }

    @Test func listsAndNestedMessagesAreChecked() throws {
        let list = Wire.bytes(
            18, Wire.number(1, 1) + Wire.number(2, 2) + Wire.bytes(4, Wire.bytes(14, Wire.number(3, 1))))
        let rules = try Self.rules([
            try Self.field("l", 1, .string, list, isRepeated: true),
            try Self.field("m", 2, .message, type: ".a.Inner"),
            try Self.field("n", 3, .message, type: ".a.Inner", isRepeated: true),
        ])
        #expect(try Self.broken(rules, []) == ["l repeated.min_items"])
        let long = Wire.text(1, "a") + Wire.text(1, "bb") + Wire.text(1, "c")
        #expect(try Self.broken(rules, long) == ["l repeated.max_items", "l[1] string.max_len"])
        let nested =
            Wire.text(1, "a") + Wire.bytes(2, Wire.text(1, "x")) + Wire.bytes(3, Wire.text(1, "ok")) + Wire.bytes(3, [])
        #expect(try Self.broken(rules, nested) == ["m.name string.min_len", "n[1].name string.min_len"])
    }

    @Test func violationsAreBounded() throws {
        let list = Wire.bytes(18, Wire.bytes(4, Wire.bytes(14, Wire.number(2, 1))))
        let rules = try Self.rules([try Self.field("l", 1, .string, list, isRepeated: true)])
        let many = (0..<10_000).flatMap { _ in Wire.text(1, "") }
        #expect(try Self.broken(rules, many).count == 20)
    }

    @Test func rulesThatAreNotUnderstoodAreNamed() throws {
        let email = Wire.bytes(14, Wire.number(12, 1) + Wire.number(2, 1))
        let rules = try Self.rules([
            try Self.field("e", 1, .string, email), try Self.field("c", 2, .string, Wire.bytes(23, Wire.text(1, "id"))),
            try Self.field("b", 3, .bytes, Wire.bytes(15, Wire.number(2, 1))),
            try Self.field("p", 4, .string, Wire.bytes(14, Wire.text(6, "("))),
            try Self.field("r", 5, .int32, Wire.bytes(3, Wire.number(2, 1) + Wire.number(4, 9))),
            try Self.field("w", 6, .message, Wire.bytes(14, Wire.number(2, 1)), type: ".a.Plain"),
            try Self.field("g", 7, .string, [0xFF, 0xFF]),
        ])
        #expect(
            rules.ignored == [
                "a.M.e: string.email", "a.M.c: cel", "a.M.b: bytes", "a.M.p: string.pattern (",
                "a.M.r: int32: an upper bound below the lower one", "a.M.w: string", "a.M.g: rules that cannot be read",
            ])
        // The understood rule of a field with others counts.
        #expect(try Self.broken(rules, []) == ["e string.min_len"])
    }

    @Test(arguments: [[0x0A], [0x0A, 0xFF], [0xFF], [0x0B, 0x0B, 0x0B]] as [[UInt8]])
    func garbageIsNoMessage(_ bytes: [UInt8]) throws {
        let rules = try Self.rules([try Self.field("s", 1, .string, Wire.bytes(14, Wire.number(2, 1)))])
        #expect(throws: DescriptorError.self) { try rules.violations(of: bytes, as: "a.M") }
    }
}
