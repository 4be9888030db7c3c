// Protobuf's own types whose JSON is special.
extension WireToJSON {
    /// Reads the two integers of a `Timestamp` or a `Duration`.
    private func time(_ content: WireCursor) throws(JSONError) -> (seconds: Int64, nanos: Int32) {
        var cursor = content
        var seconds: Int64 = 0
        var nanos: Int32 = 0
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag {
            case 0x08: seconds = Int64(bitPattern: try cursor.varint())
            case 0x10: nanos = Int32(truncatingIfNeeded: try cursor.varint())
            default: try cursor.skip(tag)
            }
        }
        return (seconds, nanos)
    }

    mutating func timestamp(_ content: WireCursor) throws(JSONError) {
        let (seconds, nanos) = try time(content)
        guard Timestamps.range.contains(seconds), (0...999_999_999).contains(nanos) else {
            throw JSONError("the time is not within the years 1 to 9999")
        }
        out.append(UInt8(ascii: "\""))
        Timestamps.write(seconds, nanos, into: &out)
        out.append(UInt8(ascii: "\""))
    }

    mutating func duration(_ content: WireCursor) throws(JSONError) {
        let (seconds, nanos) = try time(content)
        guard Durations.range.contains(seconds), (-999_999_999...999_999_999).contains(nanos),
            seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0)
        else { throw JSONError("the duration is longer than 10,000 years, or its parts have different signs") }
        out.append(UInt8(ascii: "\""))
        Durations.write(seconds, nanos, into: &out)
        out.append(UInt8(ascii: "\""))
    }

    mutating func fieldMask(_ content: WireCursor) throws(JSONError) {
        var cursor = content
        out.append(UInt8(ascii: "\""))
        var isFirst = true
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            guard tag == 0x0A else {
                try cursor.skip(tag)
                continue
            }
            if !isFirst { out.append(UInt8(ascii: ",")) }
            isFirst = false
            guard FieldMasks.write(try cursor.delimited().bytes, into: &out) else {
                throw JSONError("a path of the mask has no form in JSON")
            }
        }
        out.append(UInt8(ascii: "\""))
    }

    /// Writes the value of field 1. The message is there, so a missing value is the default.
    mutating func wrapper(_ index: Int, _ content: WireCursor) throws(JSONError) {
        let field = tables.fields[Int(tables.messages[index].first)]
        var cursor = content
        var found: WireCursor?
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            if tag == field.tag { found = cursor }
            try cursor.skip(tag)
        }
        guard var found else {
            zero(field)
            return
        }
        if field.kind == .string || field.kind == .bytes {
            try text(field, try found.delimited())
        } else {
            scalar(try found.bits(field.wireType), field)
        }
    }

    // MARK: - Struct

    mutating func structure(_ index: Int, _ content: WireCursor, depth: Int) throws(JSONError) {
        let field = tables.fields[Int(tables.messages[index].first)]
        var cursor = content
        out.append(UInt8(ascii: "{"))
        var hasEntries = false
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            guard tag == field.tag else {
                try cursor.skip(tag)
                continue
            }
            if hasEntries { throw stop() }
            hasEntries = true
            try entries(of: field, &cursor, depth: depth)
        }
        close(UInt8(ascii: "}"))
    }

    mutating func list(_ index: Int, _ content: WireCursor, depth: Int) throws(JSONError) {
        let field = tables.fields[Int(tables.messages[index].first)]
        var cursor = content
        var position = 0
        out.append(UInt8(ascii: "["))
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            guard tag == field.tag else {
                try cursor.skip(tag)
                continue
            }
            do throws(JSONError) {
                try message(Int(field.type), try cursor.delimited(), depth: depth + 1)
            } catch {
                throw error.within(position)
            }
            position += 1
            out.append(UInt8(ascii: ","))
        }
        close(UInt8(ascii: "]"))
    }

    mutating func value(_ index: Int, _ content: WireCursor, depth: Int) throws(JSONError) {
        let first = Int(tables.messages[index].first)
        var cursor = content
        var hasValue = false
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            let at = Int(tag >> 3) - 1
            guard at < 6, tables.fields[first + at].tag == tag else {
                try cursor.skip(tag)
                continue
            }
            if hasValue { throw stop() }
            hasValue = true
            switch at {
            case 0:
                _ = try cursor.varint()
                out.append("null")
            case 1:
                let number = Double(bitPattern: try cursor.fixed64())
                guard number.isFinite else { throw JSONError("a google.protobuf.Value cannot be \(number)") }
                out.number(number)
            case 2:
                guard out.quoted(try cursor.delimited().bytes) else { throw JSONError("the string is not UTF-8") }
            case 3: if try cursor.varint() != 0 { out.append("true") } else { out.append("false") }
            default: try message(Int(tables.fields[first + at].type), try cursor.delimited(), depth: depth + 1)
            }
        }
        guard hasValue else { throw JSONError("the google.protobuf.Value has no value") }
    }

    // MARK: - Any

    /// Writes a message of any type with its type's URL. A message of an unknown type becomes bytes.
    mutating func any(_ content: WireCursor, depth: Int) throws(JSONError) {
        var cursor = content
        var url = WireCursor(content.end, content.end)
        var value = url
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag {
            case 0x0A: url = try cursor.delimited()
            case 0x12: value = try cursor.delimited()
            default: try cursor.skip(tag)
            }
        }
        out.append(UInt8(ascii: "{"))
        if !url.isAtEnd || !value.isAtEnd {
            out.append("\"@type\":")
            guard out.quoted(url.bytes) else { throw JSONError("the type's URL is not UTF-8") }
            out.append(UInt8(ascii: ","))
            if let index = tables.index(of: TypeURL.name(url.bytes)) {
                switch tables.messages[index].form {
                case .object, .empty:
                    try anyMembers(index, value, depth: depth)
                default:
                    out.append("\"value\":")
                    try message(index, value, depth: depth + 1)
                }
            } else {
                out.append("\"@value\":\"")
                Base64.encode(value.bytes, into: &out)
                out.append(UInt8(ascii: "\""))
            }
        }
        close(UInt8(ascii: "}"))
    }

    /// Writes the fields of a message that stand beside the type's URL.
    private mutating func anyMembers(_ index: Int, _ content: WireCursor, depth: Int) throws(JSONError) {
        // The message is written as an object, and its opening bracket is taken away again.
        let start = out.count
        try message(index, content, depth: depth + 1)
        out.removeBrackets(from: start)
    }
}

enum TypeURL {
    /// The full name of the type in a URL: the part after the last slash.
    static func name(_ url: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        let start = url.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        return UnsafeBufferPointer(rebasing: url[start...])
    }
}

extension ByteSink {
    /// Takes the brackets off an object at the end. Its members remain, with a comma behind them.
    fileprivate mutating func removeBrackets(from start: Int) {
        let length = count - start - 2
        guard length > 0 else {
            truncate(to: start)
            return
        }
        (base + start).update(from: base + start + 1, count: length)
        truncate(to: start + length)
        append(UInt8(ascii: ","))
    }
}
