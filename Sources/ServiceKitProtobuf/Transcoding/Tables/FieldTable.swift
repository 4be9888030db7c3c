/// A field, as the transcoder needs it: numbers only, so that a look at it costs no reference count.
struct FieldTable: BitwiseCopyable, Sendable {
    enum Kind: UInt8 {
        case double, float
        case int32, int64, uint32, uint64, sint32, sint64
        case fixed32, fixed64, sfixed32, sfixed64
        case bool, string, bytes, enumeration, message
    }

    let number: UInt32
    /// The number and the wire type of a value alone.
    let tag: UInt32
    let kind: Kind
    let wireType: WireType
    let isRepeated: Bool
    /// Whether all values can be in one piece, without a tag for each.
    let isPackable: Bool
    /// Whether the values are written in one piece.
    let isPacked: Bool
    let isMap: Bool
    let hasPresence: Bool
    /// The index of the oneof in the message; negative if there is none.
    let oneof: Int32
    /// The index of the message or enum among the tables; negative if its descriptor is missing.
    let type: Int32
    /// `,"name":` with the JSON name, and with the name of the `.proto` file.
    let jsonKey: TextRange
    let protoKey: TextRange
}

/// A part of ``MessageTables/text``.
struct TextRange: BitwiseCopyable, Sendable {
    let offset: UInt32
    let count: UInt32
}

/// A message, as the transcoder needs it.
struct MessageTable: BitwiseCopyable, Sendable {
    /// The form of a message in JSON: https://protobuf.dev/programming-guides/json/
    enum Form: UInt8 {
        case object, empty, any, timestamp, duration, fieldMask, structure, value, list
        /// The value of field 1, without the message around it.
        case wrapper
    }

    let form: Form
    /// The first field, and the number of fields. They ascend by number.
    let first: Int32
    let count: Int32
    let oneofCount: Int32
    /// The range of ``MessageTables/indexByNumber``.
    let numbersStart: Int32
    let numbersCount: Int32
    let names: NameTable
}

/// An enum, as the transcoder needs it.
struct EnumTable: BitwiseCopyable, Sendable {
    /// Whether it is `google.protobuf.NullValue`, whose JSON is null.
    let isNullValue: Bool
    /// Whether unknown numbers are no values of the enum.
    let isClosed: Bool
    /// The range of ``MessageTables/values``. They ascend by number.
    let first: Int32
    let count: Int32
    let names: NameTable
}

/// A value of an enum, with its name in quotes.
struct EnumValue: BitwiseCopyable, Sendable {
    let number: Int32
    let name: TextRange
}

/// A hash table of names (open addressing): a range of ``MessageTables/slots`` whose size is a power of two.
struct NameTable: BitwiseCopyable, Sendable {
    let start: Int32
    let mask: UInt32
}

/// A name, and what it stands for: the index of a field, or the number of an enum value.
struct NameSlot: BitwiseCopyable, Sendable {
    let name: TextRange
    let value: Int32
    let isUsed: Bool

    static let free = NameSlot(name: TextRange(offset: 0, count: 0), value: 0, isUsed: false)

    /// A hash of the length and of the first and last eight bytes.
    @inline(__always) static func hash(_ name: UnsafePointer<UInt8>, _ count: Int) -> UInt32 {
        var first: UInt64 = 0
        var last: UInt64 = 0
        if count >= 8 {
            first = UnsafeRawPointer(name).loadUnaligned(as: UInt64.self)
            last = UnsafeRawPointer(name + count - 8).loadUnaligned(as: UInt64.self)
        } else {
            for index in 0..<count { first = first << 8 | UInt64(name[index]) }
        }
        let mixed = (first ^ (last << 31 | last >> 33) ^ UInt64(count)) &* 0x9e37_79b9_7f4a_7c15
        return UInt32(truncatingIfNeeded: mixed >> 32)
    }
}
