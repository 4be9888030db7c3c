/// A message whose type is known from descriptors only.
///
/// Unknown fields are dropped when the message is read.
package struct DynamicMessage: Hashable, Sendable {
    /// The largest depth of nested messages, as in protobuf's own implementations.
    package static let maxDepth = 100

    /// A field's single value.
    enum Value: Hashable, Sendable {
        /// Any signed number, or the number of an enum value.
        case int(Int64)
        case uint(UInt64)
        case float(Float)
        case double(Double)
        case bool(Bool)
        case string(String)
        case bytes([UInt8])
        case message(DynamicMessage)
    }

    /// The full name of the type.
    package let type: String
    /// The values of the present fields, by number. Only repeated fields have several.
    private(set) var values: [Int32: [Value]] = [:]

    /// An empty message of a type, given by its full name.
    package init(_ type: String) {
        self.type = type
    }

    /// Sets a single value, and clears the other fields of its oneof.
    mutating func set(_ value: Value, of field: FieldType, in type: MessageType) {
        clearOneof(of: field, in: type)
        if !field.hasPresence, !type.isMapEntry, value.isDefault(of: field.kind) {
            values[field.number] = nil
        } else {
            values[field.number] = [value]
        }
    }

    mutating func append(_ value: Value, to field: FieldType) {
        values[field.number, default: []].append(value)
    }

    private mutating func clearOneof(of field: FieldType, in type: MessageType) {
        guard let oneof = field.oneof else { return }
        for other in type.fields where other.oneof == oneof && other.number != field.number {
            values[other.number] = nil
        }
    }

    func value(of number: Int32) -> Value? { values[number]?.first }
}

extension DynamicMessage.Value {
    /// Whether the value is the default of a field without presence. Minus zero is not the default.
    func isDefault(of kind: FieldType.Kind) -> Bool {
        switch self {
        case .float(let value): value.bitPattern == 0
        case .double(let value): value.bitPattern == 0
        default: self == .default(of: kind)
        }
    }

    /// The value of a missing field; an empty message for a message field.
    static func `default`(of kind: FieldType.Kind) -> DynamicMessage.Value {
        switch kind {
        case .double: .double(0)
        case .float: .float(0)
        case .int32, .int64, .sint32, .sint64, .sfixed32, .sfixed64, .enumeration: .int(0)
        case .uint32, .uint64, .fixed32, .fixed64: .uint(0)
        case .bool: .bool(false)
        case .string: .string("")
        case .bytes: .bytes([])
        case .message(let type, _): .message(DynamicMessage(type))
        }
    }
}
