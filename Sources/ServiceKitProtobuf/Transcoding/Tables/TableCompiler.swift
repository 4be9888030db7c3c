/// Makes ``MessageTables`` from a pool.
struct TableCompiler {
    private(set) var messages: [MessageTable] = []
    private(set) var fields: [FieldTable] = []
    private(set) var enums: [EnumTable] = []
    private(set) var values: [EnumValue] = []
    private(set) var indexByNumber: [UInt16] = []
    private(set) var slots: [NameSlot] = []
    private(set) var text: [UInt8] = []
    private(set) var types: [MessageType] = []
    private(set) var enumTypes: [EnumType] = []
    private(set) var indexByName: [String: Int] = [:]
    private var enumByName: [String: Int] = [:]

    init(_ pool: DescriptorPool) {
        types = pool.messageTypes.sorted { $0.name < $1.name }
        enumTypes = pool.enumTypes.sorted { $0.name < $1.name }
        for (index, type) in types.enumerated() { indexByName[type.name] = index }
        for (index, type) in enumTypes.enumerated() { enumByName[type.name] = index }
    }

    mutating func compile() {
        for type in enumTypes { add(type) }
        for type in types { add(type) }
    }

    // MARK: - Types

    private mutating func add(_ type: EnumType) {
        let first = values.count
        var seen: Set<Int32> = []
        // The first name of a number is the one that is written.
        for value in type.values where seen.insert(value.number).inserted {
            values.append(EnumValue(number: value.number, name: append(quoted(value.name))))
        }
        values[first...].sort { $0.number < $1.number }
        enums.append(
            EnumTable(
                isNullValue: type.name == "google.protobuf.NullValue", isClosed: type.isClosed, first: Int32(first),
                count: Int32(values.count - first), names: table(of: type.values.map { ($0.name, $0.number) })))
    }

    private mutating func add(_ type: MessageType) {
        let first = fields.count
        for field in type.fields { add(field) }
        let numbersStart = indexByNumber.count
        // A number takes two bytes, so a few gaps are cheaper than a search.
        let small = type.fields.prefix { $0.number < 4 * type.fields.count + 32 }
        let numbersCount = (small.last?.number ?? -1) + 1
        indexByNumber += Array(repeating: 0, count: Int(numbersCount))
        for (index, field) in small.enumerated() { indexByNumber[numbersStart + Int(field.number)] = UInt16(index + 1) }
        let indices = type.fields.indices
        // If one field's JSON name is another field's name, JSON means the former: the first of equal names counts.
        let names =
            indices.map { (type.fields[$0].jsonName, Int32($0)) } + indices.map { (type.fields[$0].name, Int32($0)) }
        messages.append(
            MessageTable(
                form: form(of: type), first: Int32(first), count: Int32(type.fields.count),
                oneofCount: Int32(type.fields.compactMap(\.oneof).max().map { $0 + 1 } ?? 0),
                numbersStart: Int32(numbersStart), numbersCount: numbersCount, names: table(of: names)))
    }

    private mutating func add(_ field: FieldType) {
        var type = -1
        var isMap = false
        switch field.kind {
        case .enumeration(let name): type = enumByName[name] ?? -1
        case .message(let name, _):
            type = indexByName[name] ?? -1
            isMap = field.isRepeated && type >= 0 && Self.isMapEntry(types[type])
        default: break
        }
        let wireType = field.wireType
        fields.append(
            FieldTable(
                number: UInt32(field.number), tag: UInt32(field.number) << 3 | UInt32(wireType.rawValue),
                kind: FieldTable.Kind(field.kind), wireType: wireType, isRepeated: field.isRepeated,
                isPackable: field.isPackable, isPacked: field.isPackable && field.isPacked, isMap: isMap,
                hasPresence: field.hasPresence, oneof: Int32(field.oneof ?? -1), type: Int32(type),
                jsonKey: append("," + quoted(field.jsonName) + ":"), protoKey: append("," + quoted(field.name) + ":")))
    }

    /// Descriptors of other programs may call a message an entry that is none.
    private static func isMapEntry(_ type: MessageType) -> Bool {
        guard type.isMapEntry, type.fields.map(\.number) == [1, 2], !type.fields.contains(where: \.isRepeated) else {
            return false
        }
        return switch type.fields[0].kind {
        case .double, .float, .bytes, .enumeration, .message: false
        default: true
        }
    }

    /// The form of a message. A message that has the name of one of protobuf's own types but not its fields is an object.
    private func form(of type: MessageType) -> MessageTable.Form {
        guard type.name.hasPrefix("google.protobuf.") else { return .object }
        func has(_ kinds: (Int32, FieldType.Kind)...) -> Bool {
            type.fields.map(\.number) == kinds.map(\.0) && type.fields.map(\.kind) == kinds.map(\.1)
        }
        func message(_ name: String) -> FieldType.Kind { .message("google.protobuf." + name, isDelimited: false) }
        let value = message("Value")
        switch type.name.dropFirst("google.protobuf.".count) {
        case "Empty": return has() ? .empty : .object
        case "Any": return has((1, .string), (2, .bytes)) ? .any : .object
        case "Timestamp": return has((1, .int64), (2, .int32)) ? .timestamp : .object
        case "Duration": return has((1, .int64), (2, .int32)) ? .duration : .object
        case "FieldMask": return has((1, .string)) ? .fieldMask : .object
        case "Struct":
            guard has((1, message("Struct.FieldsEntry"))), let entry = indexByName["google.protobuf.Struct.FieldsEntry"]
            else { return .object }
            let isRight = types[entry].fields.map(\.kind) == [.string, value] && Self.isMapEntry(types[entry])
            return isRight && type.fields[0].isRepeated ? .structure : .object
        case "Value":
            let isRight = has(
                (1, .enumeration("google.protobuf.NullValue")), (2, .double), (3, .string), (4, .bool),
                (5, message("Struct")), (6, message("ListValue")))
            return isRight && type.fields.allSatisfy { $0.oneof == 0 } ? .value : .object
        case "ListValue": return has((1, value)) && type.fields[0].isRepeated ? .list : .object
        case "DoubleValue": return has((1, .double)) ? .wrapper : .object
        case "FloatValue": return has((1, .float)) ? .wrapper : .object
        case "Int64Value": return has((1, .int64)) ? .wrapper : .object
        case "UInt64Value": return has((1, .uint64)) ? .wrapper : .object
        case "Int32Value": return has((1, .int32)) ? .wrapper : .object
        case "UInt32Value": return has((1, .uint32)) ? .wrapper : .object
        case "BoolValue": return has((1, .bool)) ? .wrapper : .object
        case "StringValue": return has((1, .string)) ? .wrapper : .object
        case "BytesValue": return has((1, .bytes)) ? .wrapper : .object
        default: return .object
        }
    }

    // MARK: - Names

    private func quoted(_ name: String) -> String { JSONValue.string(name).text }

    private mutating func append(_ string: String) -> TextRange {
        let range = TextRange(offset: UInt32(text.count), count: UInt32(string.utf8.count))
        text += string.utf8
        return range
    }

    /// Adds a hash table. Of equal names the first counts.
    private mutating func table(of names: [(name: String, value: Int32)]) -> NameTable {
        var size = 4
        // At most half full, so that a look-up ends after a step or two.
        while size < 2 * names.count { size *= 2 }
        let mask = UInt32(size - 1)
        let start = slots.count
        slots += Array(repeating: .free, count: size)
        var seen: Set<[UInt8]> = []
        for (name, value) in names where seen.insert(Array(name.utf8)).inserted && !name.isEmpty {
            let bytes = Array(name.utf8)
            var position = bytes.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.map { NameSlot.hash($0, buffer.count) & mask } ?? 0
            }
            while slots[start + Int(position)].isUsed { position = (position + 1) & mask }
            slots[start + Int(position)] = NameSlot(name: append(name), value: value, isUsed: true)
        }
        return NameTable(start: Int32(start), mask: mask)
    }
}

extension FieldTable.Kind {
    init(_ kind: FieldType.Kind) {
        self =
            switch kind {
            case .double: .double
            case .float: .float
            case .int32: .int32
            case .int64: .int64
            case .uint32: .uint32
            case .uint64: .uint64
            case .sint32: .sint32
            case .sint64: .sint64
            case .fixed32: .fixed32
            case .fixed64: .fixed64
            case .sfixed32: .sfixed32
            case .sfixed64: .sfixed64
            case .bool: .bool
            case .string: .string
            case .bytes: .bytes
            case .enumeration: .enumeration
            case .message: .message
            }
    }
}
