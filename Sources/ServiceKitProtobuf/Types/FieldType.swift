package struct FieldType: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case double, float
        case int32, int64, uint32, uint64, sint32, sint64
        case fixed32, fixed64, sfixed32, sfixed64
        case bool, string, bytes
        /// An enum with a full name.
        case enumeration(String)
        /// A message with a full name. A delimited one is written as a group.
        case message(String, isDelimited: Bool)
    }

    /// The name in the `.proto` file.
    package let name: String
    package let jsonName: String
    package let number: Int32
    package let kind: Kind
    package let isRepeated: Bool
    /// Whether a repeated field is written in one piece.
    package let isPacked: Bool
    /// Whether a field with its default value differs from a missing field.
    package let hasPresence: Bool
    /// The index of the field's oneof in the message; `nil` if there is none, and for proto3's `optional`.
    package let oneof: Int?
}

extension FieldType {
    var wireType: WireType {
        switch kind {
        case .int32, .int64, .uint32, .uint64, .sint32, .sint64, .bool, .enumeration: .varint
        case .fixed64, .sfixed64, .double: .fixed64
        case .fixed32, .sfixed32, .float: .fixed32
        case .string, .bytes, .message(_, isDelimited: false): .delimited
        case .message(_, isDelimited: true): .groupStart
        }
    }

    /// Whether all values can be written in one piece, without a tag for each.
    var isPackable: Bool { isRepeated && wireType != .delimited && wireType != .groupStart }
}
