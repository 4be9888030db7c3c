internal import SwiftProtobuf

package struct MessageType: Sendable {
    package let name: String
    /// The fields in the ascending order of their numbers.
    package let fields: [FieldType]
    /// The names of the oneofs, without those that proto3's `optional` generates.
    package let oneofs: [String]
    /// Whether the message is an entry of a map: a key (field 1) and a value (field 2).
    package let isMapEntry: Bool

    private let indexByNumber: [Int32: Int]
    private let indexByName: [String: Int]

    /// Reads a type. Its full name is the prefix and the proto's name; the prefix is the full name of the outer
    /// declaration and a point.
    init(_ proto: Google_Protobuf_DescriptorProto, prefix: String, features: Features) {
        let fields = proto.field.map { FieldType($0, features: features) }.sorted { $0.number < $1.number }
        // The oneofs that proto3's `optional` generates come last.
        let synthetic = Set(proto.field.filter(\.proto3Optional).map { Int($0.oneofIndex) })
        name = prefix + proto.name
        self.fields = fields
        oneofs = proto.oneofDecl.enumerated().filter { !synthetic.contains($0.offset) }.map(\.element.name)
        isMapEntry = proto.options.mapEntry
        indexByNumber = Dictionary(fields.indices.map { (fields[$0].number, $0) }) { $1 }
        // If one field's JSON name is another field's name, JSON means the former.
        let names = fields.indices.map { (fields[$0].name, $0) } + fields.indices.map { (fields[$0].jsonName, $0) }
        indexByName = Dictionary(names) { $1 }
    }

    package func field(number: Int32) -> FieldType? {
        indexByNumber[number].map { fields[$0] }
    }

    /// The field with a name in JSON or in the `.proto` file.
    package func field(named name: String) -> FieldType? {
        indexByName[name].map { fields[$0] }
    }
}

package struct EnumType: Sendable {
    package let name: String
    /// Names and numbers in declared order. A number may have several names.
    package let values: [(name: String, number: Int32)]
    /// Whether a number without a name is no value, as in proto2.
    package let isClosed: Bool

    private let numberByName: [String: Int32]
    private let nameByNumber: [Int32: String]

    init(name: String, values: [(name: String, number: Int32)], isClosed: Bool) {
        self.name = name
        self.values = values
        self.isClosed = isClosed
        numberByName = Dictionary(values.map { ($0.name, $0.number) }) { first, _ in first }
        nameByNumber = Dictionary(values.map { ($0.number, $0.name) }) { first, _ in first }
    }

    package func number(of name: String) -> Int32? { numberByName[name] }

    /// The first name of a number.
    package func name(of number: Int32) -> String? { nameByNumber[number] }
}

package struct ServiceType: Sendable {
    package let name: String
    /// The methods in declared order.
    package let methods: [MethodType]

    package init(name: String, methods: [MethodType]) {
        self.name = name
        self.methods = methods
    }
}

package struct MethodType: Hashable, Sendable {
    /// The name, without the service's name.
    package let name: String
    /// The full name of the request type.
    package let input: String
    /// The full name of the response type.
    package let output: String
    package let isClientStreaming: Bool
    package let isServerStreaming: Bool
    /// Whether a call changes nothing (`idempotency_level = NO_SIDE_EFFECTS`).
    package let hasNoSideEffects: Bool

    /// Whether the requests or the responses are a stream.
    package var isStream: Bool { isClientStreaming || isServerStreaming }
}
