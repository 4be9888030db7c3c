/// Writes messages as JSON: https://protobuf.dev/programming-guides/json/
struct JSONEncoder {
    let pool: DescriptorPool
    /// Whether to write fields without presence that have their default values.
    let emitsDefaults: Bool

    func json(_ message: DynamicMessage, depth: Int = 1) throws(DescriptorError) -> JSONValue {
        guard depth <= DynamicMessage.maxDepth else {
            throw DescriptorError("\(message.type) is nested more than \(DynamicMessage.maxDepth) deep")
        }
        if message.type == WellKnownType.any { return try any(message, depth: depth) }
        if let known = WellKnownType.named(message.type) {
            let bytes = try message.serialized(in: pool)
            do {
                return try JSONParser.parse(try known.json(bytes))
            } catch {
                throw DescriptorError("a \(message.type) has no form in JSON: \(error)")
            }
        }
        return .object(try members(of: message, depth: depth))
    }

    private func members(of message: DynamicMessage, depth: Int) throws(DescriptorError) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        for field in try pool.message(message.type).fields {
            let values = message.values[field.number] ?? []
            if values.isEmpty, field.hasPresence || !emitsDefaults { continue }
            members.append(JSONValue.Member(field.jsonName, try json(values, of: field, depth: depth)))
        }
        return members
    }

    private func json(
        _ values: [DynamicMessage.Value],
        of field: FieldType,
        depth: Int
    ) throws(DescriptorError) -> JSONValue {
        if case .message(let type, _) = field.kind, field.isRepeated {
            let type = try pool.message(type)
            if type.isMapEntry { return try map(values, of: type, depth: depth) }
        }
        if field.isRepeated {
            var elements: [JSONValue] = []
            for value in values { elements.append(try json(value, of: field, depth: depth)) }
            return .array(elements)
        }
        return try json(values.first ?? .default(of: field.kind), of: field, depth: depth)
    }

    /// Writes the entries of a map. Of several entries with one key the last counts.
    private func map(
        _ entries: [DynamicMessage.Value],
        of type: MessageType,
        depth: Int
    ) throws(DescriptorError) -> JSONValue {
        guard let key = type.field(number: 1), let value = type.field(number: 2) else {
            throw DescriptorError("\(type.name) is not a map entry")
        }
        var members: [JSONValue.Member] = []
        var indexByKey: [String: Int] = [:]
        for case .message(let entry) in entries {
            let name = (entry.value(of: 1) ?? .default(of: key.kind)).mapKey
            let content = entry.value(of: 2) ?? .default(of: value.kind)
            let member = JSONValue.Member(name, try json(content, of: value, depth: depth))
            if let index = indexByKey[name] {
                members[index] = member
            } else {
                indexByKey[name] = members.count
                members.append(member)
            }
        }
        return .object(members)
    }

    private func json(
        _ value: DynamicMessage.Value,
        of field: FieldType,
        depth: Int
    ) throws(DescriptorError) -> JSONValue {
        switch value {
        case .int(let number):
            if case .enumeration(let type) = field.kind {
                if type == WellKnownType.nullValue { return .null }
                let name = try pool.enumeration(type).name(of: Int32(truncatingIfNeeded: number))
                return name.map { .string($0) } ?? .number("\(number)")
            }
            return field.has64Bits ? .string("\(number)") : .number("\(number)")
        case .uint(let number): return field.has64Bits ? .string("\(number)") : .number("\(number)")
        case .float(let number): return .number(number, isFinite: number.isFinite)
        case .double(let number): return .number(number, isFinite: number.isFinite)
        case .bool(let value): return .bool(value)
        case .string(let text): return .string(text)
        case .bytes(let bytes): return .string(Base64.encode(bytes))
        case .message(let message): return try json(message, depth: depth + 1)
        }
    }

    /// Writes a message of any type with its type's URL. A message of an unknown type becomes bytes.
    private func any(_ message: DynamicMessage, depth: Int) throws(DescriptorError) -> JSONValue {
        guard case .string(let url)? = message.value(of: 1) else { return .object([]) }
        var bytes: [UInt8] = []
        if case .bytes(let value)? = message.value(of: 2) { bytes = value }
        let type = JSONValue.Member("@type", .string(url))
        let name = url.typeName
        guard (try? pool.message(name)) != nil else {
            return .object([type, JSONValue.Member("@value", .string(Base64.encode(bytes)))])
        }
        let content = try json(try DynamicMessage(bytes, as: name, in: pool), depth: depth + 1)
        if name != WellKnownType.any, WellKnownType.named(name) == nil, case .object(let members) = content {
            return .object([type] + members)
        }
        return .object([type, JSONValue.Member("value", content)])
    }
}

extension DynamicMessage {
    /// Converts the message to JSON: an object with the present fields, and on demand with fields without presence that
    /// have their default values; another value for some of protobuf's own types. Throws ``DescriptorError`` when a
    /// type is missing, or a value cannot be written in JSON.
    package func json(in pool: DescriptorPool, emitsDefaults: Bool = false) throws(DescriptorError) -> JSONValue {
        try JSONEncoder(pool: pool, emitsDefaults: emitsDefaults).json(self)
    }
}

extension JSONValue {
    fileprivate static func number(_ number: some LosslessStringConvertible, isFinite: Bool) -> JSONValue {
        let text = String(number)
        if isFinite { return .number(text.hasSuffix(".0") ? String(text.dropLast(2)) : text) }
        switch text {
        case "inf": return .string("Infinity")
        case "-inf": return .string("-Infinity")
        default: return .string("NaN")
        }
    }
}

extension DynamicMessage.Value {
    fileprivate var mapKey: String {
        switch self {
        case .int(let value): "\(value)"
        case .uint(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .string(let value): value
        case .float, .double, .bytes, .message: ""
        }
    }
}

extension FieldType {
    fileprivate var has64Bits: Bool {
        switch kind {
        case .int64, .uint64, .sint64, .fixed64, .sfixed64: true
        default: false
        }
    }
}

extension String {
    /// The full name of the type in a URL: the part after the last slash.
    var typeName: String { lastIndex(of: "/").map { String(self[index(after: $0)...]) } ?? self }
}
