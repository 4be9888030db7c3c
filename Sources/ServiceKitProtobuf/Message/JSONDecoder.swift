/// Reads messages from JSON: https://protobuf.dev/programming-guides/json/
struct JSONDecoder {
    let pool: DescriptorPool

    /// Reads a message. Errors name its place in the document.
    func message(
        _ type: String,
        from json: JSONValue,
        at path: String = "",
        depth: Int = 1
    ) throws(DescriptorError) -> DynamicMessage {
        guard depth <= DynamicMessage.maxDepth else {
            throw DescriptorError("\(type) is nested more than \(DynamicMessage.maxDepth) deep")
        }
        if type == WellKnownType.any { return try any(json, path, depth: depth) }
        if let known = WellKnownType.named(type) {
            do {
                return try DynamicMessage(try known.bytes(json.text), as: type, in: pool)
            } catch {
                throw mismatch(path, "a \(type)", json)
            }
        }
        guard case .object(let members) = json else { throw mismatch(path, "an object, a \(type)", json) }
        return try message(type, from: members, path, depth: depth)
    }

    private func message(
        _ type: String,
        from members: [JSONValue.Member],
        _ path: String,
        depth: Int
    ) throws(DescriptorError) -> DynamicMessage {
        let type = try pool.message(type)
        var message = DynamicMessage(type.name)
        var seen: Set<Int32> = []
        for member in members {
            guard let field = type.field(named: member.name) else { throw unknown(member.name, type, path) }
            let path = path.isEmpty ? member.name : "\(path).\(member.name)"
            guard seen.insert(field.number).inserted else { throw DescriptorError("\(path): the field occurs twice") }
            if member.value == .null, !field.takesNull { continue }
            if let oneof = field.oneof,
                let other = type.fields.first(where: { $0.oneof == oneof && message.value(of: $0.number) != nil })
            {
                throw DescriptorError(
                    "\(path): only one of \(type.oneofs[oneof]) can be given, and \(other.jsonName) has a value already"
                )
            }
            if field.isRepeated {
                for value in try values(of: field, from: member.value, path, depth: depth) {
                    message.append(value, to: field)
                }
            } else {
                message.set(try value(of: field, from: member.value, path, depth: depth), of: field, in: type)
            }
        }
        return message
    }

    private func values(
        of field: FieldType,
        from json: JSONValue,
        _ path: String,
        depth: Int
    ) throws(DescriptorError) -> [DynamicMessage.Value] {
        var values: [DynamicMessage.Value] = []
        if case .message(let name, _) = field.kind, let type = try? pool.message(name), type.isMapEntry {
            guard case .object(let members) = json else { throw mismatch(path, "an object, a map", json) }
            guard let key = type.field(number: 1), let value = type.field(number: 2) else {
                throw DescriptorError("\(type.name) is not a map entry")
            }
            for member in members {
                let path = "\(path)[\"\(member.name)\"]"
                var entry = DynamicMessage(name)
                entry.set(try mapKey(key, member.name, path), of: key, in: type)
                if member.value == .null, !value.takesNull { throw mismatch(path, value.expectation, member.value) }
                entry.set(try self.value(of: value, from: member.value, path, depth: depth), of: value, in: type)
                values.append(.message(entry))
            }
            return values
        }
        guard case .array(let elements) = json else { throw mismatch(path, "an array", json) }
        for (index, element) in elements.enumerated() {
            let path = "\(path)[\(index)]"
            if element == .null, !field.takesNull { throw mismatch(path, field.expectation, element) }
            values.append(try value(of: field, from: element, path, depth: depth))
        }
        return values
    }

    private func mapKey(
        _ field: FieldType,
        _ name: String,
        _ path: String
    ) throws(DescriptorError) -> DynamicMessage.Value {
        guard field.kind == .bool else { return try value(of: field, from: .string(name), path, depth: 0) }
        guard let value = Bool(name) else { throw mismatch(path, "the key true or false", .string(name)) }
        return .bool(value)
    }

    private func value(
        of field: FieldType,
        from json: JSONValue,
        _ path: String,
        depth: Int
    ) throws(DescriptorError) -> DynamicMessage.Value {
        switch (field.kind, json) {
        case (.message(let type, _), _):
            return .message(try message(type, from: json, at: path, depth: depth + 1))
        case (.enumeration(let type), _):
            return .int(Int64(try number(of: type, from: json, path)))
        case (.bool, .bool(let value)):
            return .bool(value)
        case (.string, .string(let text)):
            return .string(text)
        case (.bytes, .string(let text)):
            guard let bytes = Base64.decode(text) else { throw mismatch(path, field.expectation, json) }
            return .bytes(bytes)
        case (_, .number(let text)), (_, .string(let text)):
            guard let value = DynamicMessage.Value.number(text, kind: field.kind) else {
                throw mismatch(path, field.expectation, json)
            }
            return value
        default:
            throw mismatch(path, field.expectation, json)
        }
    }

    private func number(of type: String, from json: JSONValue, _ path: String) throws(DescriptorError) -> Int32 {
        if type == WellKnownType.nullValue, json == .null { return 0 }
        let type = try pool.enumeration(type)
        switch json {
        case .string(let name): if let number = type.number(of: name) { return number }
        case .number(let text): if let number = Int32(text) { return number }
        default: break
        }
        throw mismatch(path, "a value of \(type.name) (\(type.values.map(\.name).joined(separator: ", ")))", json)
    }

    /// Reads a message of any type. `@type` names the type. The fields stand beside it, or the whole value is in
    /// `value` if the type's JSON is not an object of fields.
    private func any(_ json: JSONValue, _ path: String, depth: Int) throws(DescriptorError) -> DynamicMessage {
        let type = try pool.message(WellKnownType.any)
        guard case .object(var members) = json else { throw mismatch(path, "an object with \"@type\"", json) }
        var result = DynamicMessage(type.name)
        if members.isEmpty { return result }
        guard let index = members.firstIndex(where: { $0.name == "@type" }),
            case .string(let url) = members.remove(at: index).value
        else { throw mismatch(path, "an object with \"@type\"", json) }
        let name = url.typeName
        let message: DynamicMessage
        if name == WellKnownType.any || WellKnownType.named(name) != nil {
            guard members.count == 1, members[0].name == "value" else {
                throw DescriptorError("\(path): a \(name) in an Any is given as its \"value\"")
            }
            message = try self.message(name, from: members[0].value, at: path, depth: depth + 1)
        } else {
            message = try self.message(name, from: members, path, depth: depth + 1)
        }
        if let field = type.field(number: 1) { result.set(.string(url), of: field, in: type) }
        if let field = type.field(number: 2) {
            result.set(.bytes(try message.serialized(in: pool)), of: field, in: type)
        }
        return result
    }

    // MARK: - Errors

    private func mismatch(_ path: String, _ expected: String, _ found: JSONValue) -> DescriptorError {
        DescriptorError("\(path.isEmpty ? "the message" : path): expected \(expected), found \(found.summary)")
    }

    private func unknown(_ name: String, _ type: MessageType, _ path: String) -> DescriptorError {
        let names = type.fields.map(\.jsonName).joined(separator: ", ")
        let has = names.isEmpty ? "it has no fields" : "it has: \(names)"
        return DescriptorError("\(path.isEmpty ? name : "\(path).\(name)"): no such field in \(type.name); \(has)")
    }
}

extension DynamicMessage {
    /// Reads a message of a type, given by its full name. Throws ``DescriptorError`` that names the field and its
    /// allowed values.
    package init(json: JSONValue, as type: String, in pool: DescriptorPool) throws(DescriptorError) {
        self = try JSONDecoder(pool: pool).message(type, from: json)
    }
}

extension FieldType {
    /// Whether null is a value of the type. For other types null means that the field is missing.
    fileprivate var takesNull: Bool {
        switch kind {
        case .message(let type, _): type == WellKnownType.value
        case .enumeration(let type): type == WellKnownType.nullValue
        default: false
        }
    }

    /// The JSON that a single value needs, in words.
    fileprivate var expectation: String {
        switch kind {
        case .double, .float: "a number"
        case .int32, .sint32, .sfixed32: "an integer of 32 bits"
        case .int64, .sint64, .sfixed64: "an integer of 64 bits"
        case .uint32, .fixed32: "an unsigned integer of 32 bits"
        case .uint64, .fixed64: "an unsigned integer of 64 bits"
        case .bool: "true or false"
        case .string: "a string"
        case .bytes: "a string in base64"
        case .enumeration(let type): "a value of \(type)"
        case .message(let type, _): "a \(type)"
        }
    }
}

extension DynamicMessage.Value {
    /// Reads a number; `nil` when it is of another kind, or out of range.
    fileprivate static func number(_ text: String, kind: FieldType.Kind) -> DynamicMessage.Value? {
        switch kind {
        case .int32, .sint32, .sfixed32: (integer(text) as Int32?).map { .int(Int64($0)) }
        case .int64, .sint64, .sfixed64: integer(text).map { .int($0) }
        case .uint32, .fixed32: (integer(text) as UInt32?).map { .uint(UInt64($0)) }
        case .uint64, .fixed64: integer(text).map { .uint($0) }
        case .float: fraction(text).map { .float($0) }
        case .double: fraction(text).map { .double($0) }
        case .bool, .string, .bytes, .enumeration, .message: nil
        }
    }

    /// Reads an integer, even one written as 1.0 or 1e3.
    private static func integer<Number: FixedWidthInteger>(_ text: String) -> Number? {
        guard isNumber(text) else { return nil }
        if let value = Number(text) { return value }
        // A larger Double cannot tell integers apart.
        guard let value = Double(text), value.magnitude <= 0x1p53 else { return nil }
        return Number(exactly: value)
    }

    private static func fraction<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ text: String) -> Number? {
        switch text {
        case "NaN": return .nan
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        default:
            guard isNumber(text), let value = Number(text), value.isFinite else { return nil }
            return value
        }
    }

    /// Whether a text is a number of JSON. Swift's own parser accepts more.
    private static func isNumber(_ text: String) -> Bool {
        guard case .number? = try? JSONParser.parse(text) else { return false }
        return text.last?.isWhitespace == false && text.first?.isWhitespace == false
    }
}
