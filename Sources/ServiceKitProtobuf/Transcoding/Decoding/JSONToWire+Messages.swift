extension JSONToWire {
    /// Reads a message and writes its fields.
    mutating func message(_ index: Int, depth: Int) throws(JSONError) {
        guard index >= 0 else { throw fail("the descriptor of the field's type is missing") }
        try checkDepth(depth)
        switch tables.messages[index].form {
        case .object, .empty: try object(index, depth: depth)
        case .any: try any(depth: depth)
        case .timestamp: try timestamp()
        case .duration: try duration()
        case .fieldMask: try fieldMask()
        case .structure: try structure(index, depth: depth)
        case .value: try value(index, depth: depth)
        case .list: try list(index, depth: depth)
        case .wrapper: try singular(tables.fields[Int(tables.messages[index].first)], depth: depth)
        }
    }

    /// Reads an object of fields.
    ///
    /// - Parameter isAny: Whether `@type` may stand among the fields. It has been read before.
    mutating func object(_ index: Int, depth: Int, isAny: Bool = false) throws(JSONError) {
        try expectObject("an object, a \(tables.types[index].name)")
        position += 1
        skipSpace()
        if take("}") { return }
        let table = tables.messages[index]
        let first = Int(table.first)
        let count = Int(table.count)
        var seen = FieldSet(count: count + Int(table.oneofCount))
        var next = 0
        repeat {
            let name = position
            var at = next
            if next >= count || !takeKey(tables.fields[first + next]) {
                guard peek == UInt8(ascii: "\"") else { throw fail("expected a name in double quotes") }
                let text = try text()
                at = tables.find(text, in: table.names).map { Int($0) } ?? -1
                if at < 0 {
                    let isType = isAny && text.elementsEqual("@type".utf8)
                    guard isType || options.ignoresUnknownFields else { throw unknown(text, index, at: name) }
                    try colon(after: name)
                    try skipValue(depth: depth + 1)
                    continue
                }
                try colon(after: name)
            } else {
                skipSpace()
            }
            next = at + 1
            let field = tables.fields[first + at]
            guard seen.insert(at) else {
                throw fail("the field occurs twice", at: name).within(self.name(name))
            }
            if isNull(field) {
                _ = take(word: "null")
                continue
            }
            do throws(JSONError) {
                if field.oneof >= 0, !seen.insert(count + Int(field.oneof)) {
                    throw fail(
                        "only one field of \(tables.types[index].oneofs[Int(field.oneof)]) can be given", at: name)
                }
                try self.field(field, depth: depth)
            } catch {
                throw error.within(self.name(name))
            }
        } while try continues("}")
    }

    /// Reads the name of the field that is likely to come next, with its colon.
    @inline(__always) private mutating func takeKey(_ field: FieldTable) -> Bool {
        let count = Int(field.jsonKey.count) - 1
        guard end - position >= count else { return false }
        let key = TextRange(offset: field.jsonKey.offset + 1, count: UInt32(count))
        guard tables.matches(key, position) else { return false }
        position += count
        return true
    }

    /// The name that begins at a place, for errors.
    private func name(_ place: UnsafePointer<UInt8>) -> String {
        let rest = UnsafeBufferPointer(start: place + 1, count: min(end - place - 1, 80))
        return String(decoding: rest.prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }

    private func unknown(
        _ text: UnsafeBufferPointer<UInt8>, _ index: Int, at place: UnsafePointer<UInt8>
    ) -> JSONError {
        let type = tables.types[index]
        let names = type.fields.prefix(50).map(\.jsonName).joined(separator: ", ")
        let has = names.isEmpty ? "it has no fields" : "it has: \(names)"
        return fail("no such field in \(type.name); \(has)", at: place)
            .within(String(decoding: text.prefix(80), as: UTF8.self))
    }

    /// Whether null follows, which stands for a missing field, except for the types that have null as a value.
    @inline(__always) func isNull(_ field: FieldTable) -> Bool {
        guard peek == UInt8(ascii: "n"), end - position >= 4, position[1] == UInt8(ascii: "u"),
            position[2] == UInt8(ascii: "l"), position[3] == UInt8(ascii: "l")
        else { return false }
        if field.isRepeated || field.type < 0 { return true }
        return switch field.kind {
        case .message: tables.messages[Int(field.type)].form != .value
        case .enumeration: !tables.enums[Int(field.type)].isNullValue
        default: true
        }
    }

    // MARK: - Fields

    /// Reads all values of a field.
    @inline(__always) mutating func field(_ field: FieldTable, depth: Int) throws(JSONError) {
        if !field.isRepeated {
            try singular(field, depth: depth)
        } else if field.isMap {
            try map(field, depth: depth)
        } else {
            try array(field, depth: depth)
        }
    }

    /// Reads a single value. A default is not written for a field without presence.
    mutating func singular(_ field: FieldTable, depth: Int) throws(JSONError) {
        switch field.kind {
        case .message: try nested(field, depth: depth)
        case .string, .bytes:
            let start = out.count
            try text(field)
            if !field.hasPresence, out.last == 0, out.count == start + tagLength(field) + 1 { out.truncate(to: start) }
        default:
            guard let bits = try bits(field) else { return }
            if bits == 0, !field.hasPresence { return }
            out.varint(UInt64(field.tag))
            out.number(bits, field.wireType)
        }
    }

    private func tagLength(_ field: FieldTable) -> Int { (38 - field.tag.leadingZeroBitCount) / 7 }

    /// Reads a value, whatever it is. Returns whether it is one: an unknown name of an enum may be skipped.
    mutating func element(_ field: FieldTable, isPacked: Bool, depth: Int) throws(JSONError) -> Bool {
        switch field.kind {
        case .message: try nested(field, depth: depth)
        case .string, .bytes: try text(field)
        default:
            guard let bits = try bits(field) else { return false }
            if !isPacked { out.varint(UInt64(field.tag)) }
            out.number(bits, field.wireType)
        }
        return true
    }

    @inline(__always) private mutating func nested(_ field: FieldTable, depth: Int) throws(JSONError) {
        out.varint(UInt64(field.tag))
        if field.wireType == .delimited {
            let start = out.open()
            try message(Int(field.type), depth: depth + 1)
            out.close(start)
        } else {
            try message(Int(field.type), depth: depth + 1)
            out.varint(UInt64(field.number << 3 | 4))
        }
    }

    private mutating func array(_ field: FieldTable, depth: Int) throws(JSONError) {
        guard take("[") else { throw mismatch("an array", at: position) }
        skipSpace()
        if take("]") { return }
        let before = out.count
        var start = before
        if field.isPacked {
            out.varint(UInt64(field.number << 3 | 2))
            start = out.open()
        }
        var index = 0
        repeat {
            do throws(JSONError) {
                _ = try element(field, isPacked: field.isPacked, depth: depth)
            } catch {
                throw error.within(index)
            }
            index += 1
        } while try continues("]")
        if field.isPacked {
            if out.count == start { out.truncate(to: before) } else { out.close(start) }
        }
    }

    private mutating func map(_ field: FieldTable, depth: Int) throws(JSONError) {
        try checkDepth(depth + 1)
        try expectObject("an object")
        position += 1
        skipSpace()
        if take("}") { return }
        let first = Int(tables.messages[Int(field.type)].first)
        let key = tables.fields[first]
        let value = tables.fields[first + 1]
        var keys = KeySet()
        repeat {
            let name = position
            guard peek == UInt8(ascii: "\"") else { throw fail("expected a name in double quotes") }
            let before = out.count
            out.varint(UInt64(field.tag))
            let start = field.wireType == .delimited ? out.open() : out.count
            do throws(JSONError) {
                let text = try text()
                out.varint(UInt64(key.tag))
                if key.kind == .string {
                    out.varint(UInt64(text.count))
                    out.append(text)
                } else {
                    guard let bits = Self.bits(ofKey: text, key.kind) else {
                        throw mismatch(Self.expectation(key, tables), at: name)
                    }
                    out.number(bits, key.wireType)
                }
                let keyLength = out.count - start
                try colon(after: name)
                // A map's value of a message is two messages below the map.
                let isKnown = try element(value, isPacked: false, depth: depth + (value.kind == .message ? 1 : 0))
                let length = out.count - start
                if field.wireType == .delimited { out.close(start) } else { out.varint(UInt64(field.number << 3 | 4)) }
                let keyStart = field.wireType == .delimited ? out.count - length : start
                if !isKnown {
                    out.truncate(to: before)
                } else if !keys.insert(keyStart..<keyStart + keyLength, in: out.base) {
                    throw fail("the key occurs twice", at: name)
                }
            } catch {
                throw error.within("[\"\(self.name(name))\"]")
            }
        } while try continues("}")
    }
}
