// Protobuf's own types whose JSON is special.
extension JSONToWire {
    private mutating func text(_ expected: String) throws(JSONError) -> UnsafeBufferPointer<UInt8> {
        guard peek == UInt8(ascii: "\"") else { throw mismatch(expected, at: position) }
        return try text()
    }

    mutating func timestamp() throws(JSONError) {
        let expected = "a google.protobuf.Timestamp such as \"2024-02-29T12:00:00Z\""
        let begin = position
        guard let (seconds, nanos) = Timestamps.read(try text(expected)) else { throw mismatch(expected, at: begin) }
        out.time(seconds, nanos)
    }

    mutating func duration() throws(JSONError) {
        let expected = "a google.protobuf.Duration such as \"1.5s\""
        let begin = position
        guard let (seconds, nanos) = Durations.read(try text(expected)) else { throw mismatch(expected, at: begin) }
        out.time(seconds, nanos)
    }

    mutating func fieldMask() throws(JSONError) {
        let expected = "a google.protobuf.FieldMask such as \"user.displayName,photo\""
        let begin = position
        guard FieldMasks.read(try text(expected), into: &out) else { throw mismatch(expected, at: begin) }
    }

    // MARK: - Struct

    mutating func structure(_ index: Int, depth: Int) throws(JSONError) {
        try field(tables.fields[Int(tables.messages[index].first)], depth: depth)
    }

    mutating func list(_ index: Int, depth: Int) throws(JSONError) {
        try field(tables.fields[Int(tables.messages[index].first)], depth: depth)
    }

    mutating func value(_ index: Int, depth: Int) throws(JSONError) {
        let first = Int(tables.messages[index].first)
        let begin = position
        switch peek {
        case UInt8(ascii: "n") where take(word: "null"): out.append(0x08, 0)
        case UInt8(ascii: "t") where take(word: "true"): out.append(0x20, 1)
        case UInt8(ascii: "f") where take(word: "false"): out.append(0x20, 0)
        case UInt8(ascii: "\""): try text(tables.fields[first + 2])
        case UInt8(ascii: "{"): _ = try element(tables.fields[first + 4], isPacked: false, depth: depth)
        case UInt8(ascii: "["): _ = try element(tables.fields[first + 5], isPacked: false, depth: depth)
        default:
            guard let decimal = Decimal(&position, end) else { throw fail("expected a value", at: begin) }
            guard let number = decimal.double else { throw mismatch("a number within the range of Double", at: begin) }
            out.append(0x11)
            out.fixed64(number.bitPattern)
        }
    }

    // MARK: - Any

    /// Reads a message of any type. `@type` names the type. The fields stand beside it, or the whole value is in
    /// `value` if the type's JSON is not an object of fields.
    mutating func any(depth: Int) throws(JSONError) {
        let begin = position
        try expectObject("an object with \"@type\"")
        guard let type = try typeURL(depth: depth) else {
            position = begin + 1
            skipSpace()
            guard take("}") else { throw mismatch("an object with \"@type\"", at: begin) }
            return
        }
        out.append(0x0A)
        out.varint(UInt64(type.url.count))
        out.append(type.url)
        let name = TypeURL.name(type.url)
        guard let index = tables.index(of: name) else {
            throw fail(
                "no descriptor of the message \(String(decoding: name.prefix(80), as: UTF8.self))", at: type.place
            )
            .within("@type")
        }
        position = begin
        out.append(0x12)
        let start = out.open()
        switch tables.messages[index].form {
        case .object: try object(index, depth: depth + 1, isAny: true)
        case .empty where try !hasValue(depth: depth): try object(index, depth: depth + 1, isAny: true)
        default: try anyValue(index, depth: depth)
        }
        out.close(start)
        // As other writers have it, an empty message is no value.
        if out.count == start { out.truncate(to: start - 2) }
    }

    /// Looks for `@type`, which most writers put first; `nil` when there is none.
    private mutating func typeURL(
        depth: Int
    ) throws(JSONError) -> (url: UnsafeBufferPointer<UInt8>, place: UnsafePointer<UInt8>)? {
        position += 1
        skipSpace()
        if take("}") { return nil }
        repeat {
            let name = position
            guard peek == UInt8(ascii: "\"") else { throw fail("expected a name in double quotes") }
            let isType = try text().elementsEqual("@type".utf8)
            try colon(after: name)
            if isType {
                let place = position
                guard peek == UInt8(ascii: "\"") else {
                    throw mismatch("the URL of a type", at: position).within("@type")
                }
                return (try text(), place)
            }
            try skipValue(depth: depth + 1)
        } while try continues("}")
        return nil
    }

    /// Whether a member "value" follows in the object that begins here.
    private mutating func hasValue(depth: Int) throws(JSONError) -> Bool {
        let begin = position
        defer { position = begin }
        position += 1
        skipSpace()
        if take("}") { return false }
        repeat {
            let name = position
            guard peek == UInt8(ascii: "\"") else { throw fail("expected a name in double quotes") }
            if try text().elementsEqual("value".utf8) { return true }
            try colon(after: name)
            try skipValue(depth: depth + 1)
        } while try continues("}")
        return false
    }

    /// Reads the object of an `Any` whose value is in "value".
    private mutating func anyValue(_ index: Int, depth: Int) throws(JSONError) {
        let begin = position
        var seen = FieldSet(count: 2)
        var hasValue = false
        position += 1
        skipSpace()
        repeat {
            let name = position
            guard peek == UInt8(ascii: "\"") else { throw fail("expected a name in double quotes") }
            let text = try text()
            let isType = text.elementsEqual("@type".utf8)
            let isValue = text.elementsEqual("value".utf8)
            guard isType || isValue || options.ignoresUnknownFields else {
                throw fail("a \(tables.types[index].name) in an Any has only \"value\"", at: name)
            }
            try colon(after: name)
            guard !(isType || isValue) || seen.insert(isType ? 0 : 1) else {
                throw fail("the field occurs twice", at: name)
            }
            if isValue {
                hasValue = true
                do throws(JSONError) {
                    try message(index, depth: depth + 1)
                } catch {
                    throw error.within("value")
                }
            } else {
                try skipValue(depth: depth + 1)
            }
        } while try continues("}")
        guard hasValue else {
            throw fail("a \(tables.types[index].name) in an Any is given as its \"value\"", at: begin)
        }
    }
}
