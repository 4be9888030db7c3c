/// Writes a message in the wire format as JSON, in one pass: https://protobuf.dev/programming-guides/json/
///
/// Nearly all writers put fields in the order of their numbers, each once. The pass relies on it, and ends with
/// `isOutOfOrder` when it is not so. Then a second pass brings the fields of each message into order first. So hostile
/// bytes cost twice as much, whatever the depth.
struct WireToJSON: ~Copyable {
    let tables: MessageTables
    let options: JSONOptions
    var out: ByteSink
    /// Whether the fields of each message are brought into order.
    private let sorts: Bool
    private(set) var isOutOfOrder = false

    init(_ tables: MessageTables, _ options: JSONOptions, capacity: Int, sorts: Bool) {
        self.tables = tables
        self.options = options
        self.sorts = sorts
        out = ByteSink(capacity: capacity)
    }

    // MARK: - Messages

    mutating func message(_ index: Int, _ content: WireCursor, depth: Int) throws(JSONError) {
        try checkBounds(index, depth)
        guard sorts else {
            try form(index, content, depth: depth)
            return
        }
        var sorted = ByteSink(capacity: content.count)
        let isSorted = try MessageSorter(tables, index).sort(content, into: &sorted)
        try form(index, isSorted ? content : WireCursor(sorted.base, sorted.base + sorted.count), depth: depth)
        // The cursor does not leave the call above, and this use keeps the sorted bytes until its end.
        sorted.truncate(to: 0)
    }

    private func checkBounds(_ index: Int, _ depth: Int) throws(JSONError) {
        guard depth <= options.maxDepth else {
            throw JSONError("the message is nested more than \(options.maxDepth) deep")
        }
        try checkLength()
        guard index >= 0 else { throw JSONError("the descriptor of the field's type is missing") }
    }

    @inline(__always) private func checkLength() throws(JSONError) {
        guard out.count <= options.maxBytes else {
            throw JSONError("the JSON is longer than \(options.maxBytes) bytes")
        }
    }

    private mutating func form(_ index: Int, _ content: WireCursor, depth: Int) throws(JSONError) {
        switch tables.messages[index].form {
        case .object, .empty:
            out.append(UInt8(ascii: "{"))
            try members(index, content, depth: depth)
            close(UInt8(ascii: "}"))
        case .any: try any(content, depth: depth)
        case .timestamp: try timestamp(content)
        case .duration: try duration(content)
        case .fieldMask: try fieldMask(content)
        case .structure: try structure(index, content, depth: depth)
        case .value: try value(index, content, depth: depth)
        case .list: try list(index, content, depth: depth)
        case .wrapper: try wrapper(index, content)
        }
    }

    /// Ends an object or array. Members and elements each have a comma behind them.
    @inline(__always) mutating func close(_ bracket: UInt8) {
        if out.last == UInt8(ascii: ",") { out.replaceLast(bracket) } else { out.append(bracket) }
    }

    /// Ends the pass: it cannot go on in this order.
    func outOfOrder() -> JSONError { JSONError("the message's fields cannot be brought into order") }

    mutating func stop() -> JSONError {
        isOutOfOrder = true
        return outOfOrder()
    }

    /// Writes the fields, each with a comma behind it.
    mutating func members(_ index: Int, _ content: WireCursor, depth: Int) throws(JSONError) {
        let table = tables.messages[index]
        let first = Int(table.first)
        let count = Int(table.count)
        var cursor = content
        // The index of the field that may come next, and the oneofs that have a value.
        var next = 0
        var oneofs: UInt64 = 0
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            var at = next
            if at >= count || tables.fields[first + at].tag != tag {
                at = tables.field(tag >> 3, of: table)
                if at < 0 {
                    try cursor.skip(tag)
                    continue
                }
            }
            let field = tables.fields[first + at]
            guard tag == field.tag || field.isPackable && tag & 7 == 2 else {
                try cursor.skip(tag)
                continue
            }
            if at < next { throw stop() }
            if field.oneof >= 0 {
                let bit: UInt64 = 1 << UInt64(min(field.oneof, 63))
                // All oneofs from the 64th have one bit, which may cost a second pass.
                if oneofs & bit != 0, !sorts { throw stop() }
                oneofs |= bit
            }
            if options.printsDefaults {
                while next < at {
                    missing(tables.fields[first + next])
                    next += 1
                }
            }
            next = at + 1
            do throws(JSONError) {
                if field.isRepeated {
                    if field.isMap {
                        try map(field, &cursor, depth: depth)
                    } else {
                        try repeated(field, tag, &cursor, depth: depth)
                    }
                } else {
                    try singular(field, &cursor, depth: depth)
                }
                try checkLength()
            } catch {
                throw error.within(name(at, index))
            }
        }
        if options.printsDefaults {
            while next < count {
                missing(tables.fields[first + next])
                next += 1
            }
        }
    }

    /// Writes the value of one field of a message.
    mutating func onlyField(_ at: Int, of index: Int, _ content: WireCursor) throws(JSONError) {
        let field = tables.fields[Int(tables.messages[index].first) + at]
        var cursor = content
        var pieces = ByteSink(capacity: content.count)
        while !cursor.isAtEnd {
            let start = cursor.position
            let tag = try cursor.tag()
            try cursor.skip(tag)
            let found = tables.field(tag >> 3, of: tables.messages[index])
            // The other fields of its oneof may clear the field.
            if found >= 0, found == at || field.oneof >= 0 && self.field(found, of: index).oneof == field.oneof {
                pieces.append(start, cursor.position - start)
            }
        }
        var sorted = ByteSink(capacity: pieces.count)
        var whole = WireCursor(pieces.base, pieces.base + pieces.count)
        if try !MessageSorter(tables, index).sort(whole, into: &sorted) {
            whole = WireCursor(sorted.base, sorted.base + sorted.count)
        }
        if !whole.isAtEnd {
            let tag = try whole.tag()
            if tables.field(tag >> 3, of: tables.messages[index]) == at {
                do throws(JSONError) {
                    try value(field, tag, &whole)
                } catch {
                    throw error.within(name(at, index))
                }
            }
        }
        if out.count == 0 { noValue(field) }
        // The cursor does not leave the calls above, and these uses keep the bytes until their end.
        pieces.truncate(to: 0)
        sorted.truncate(to: 0)
    }

    private func field(_ at: Int, of index: Int) -> FieldTable { tables.fields[Int(tables.messages[index].first) + at] }

    /// Writes the value of a field without its name.
    private mutating func value(_ field: FieldTable, _ tag: UInt32, _ cursor: inout WireCursor) throws(JSONError) {
        if field.isMap {
            try map(field, &cursor, depth: 1)
        } else if field.isRepeated {
            try repeated(field, tag, &cursor, depth: 1)
        } else {
            try element(field, &cursor, depth: 1)
        }
        if out.last == UInt8(ascii: ",") { out.truncate(to: out.count - 1) }
        if field.isRepeated, out.count > 0 { out.removeFirst(Int(key(of: field).count) - 1) }
    }

    private func key(of field: FieldTable) -> TextRange { options.usesProtoNames ? field.protoKey : field.jsonKey }

    /// Writes the value of a missing field.
    private mutating func noValue(_ field: FieldTable) {
        if field.isRepeated {
            if field.isMap { out.append("{}") } else { out.append("[]") }
        } else if field.kind == .message, field.type >= 0,
            [.object, .empty, .structure].contains(tables.messages[Int(field.type)].form)
        {
            out.append("{}")
        } else {
            zero(field)
        }
    }

    private func name(_ field: Int, _ message: Int) -> String {
        let type = tables.type(of: field, in: message)
        return options.usesProtoNames ? type.name : type.jsonName
    }

    // MARK: - Fields

    /// Writes the name of a field: `"name":`.
    @inline(__always) private mutating func key(_ field: FieldTable) {
        let range = key(of: field)
        let count = Int(range.count) - 1
        let offset = Int(range.offset) + 1
        out.reserve(count)
        tables.text.withUnsafeBufferPointer { text in
            // The key is a part of the text, as the compiler of the tables made it.
            if let start = text.baseAddress { out.append(start + offset, count) }
        }
    }

    private mutating func singular(_ field: FieldTable, _ cursor: inout WireCursor, depth: Int) throws(JSONError) {
        switch field.kind {
        case .message:
            let content = try self.content(of: field, &cursor)
            key(field)
            try message(Int(field.type), content, depth: depth + 1)
        case .string, .bytes:
            let content = try cursor.delimited()
            if content.isAtEnd, !field.hasPresence, !options.printsDefaults { return }
            key(field)
            try text(field, content)
        default:
            let bits = try cursor.bits(field.wireType)
            if !field.hasPresence, !options.printsDefaults, isZero(bits, field.kind) { return }
            if field.kind == .enumeration, isUnknown(bits, field) { return }
            key(field)
            scalar(bits, field)
        }
        out.append(UInt8(ascii: ","))
    }

    @inline(__always) private func content(
        of field: FieldTable, _ cursor: inout WireCursor
    ) throws(JSONError) -> WireCursor {
        field.wireType == .groupStart ? try cursor.group(field.number) : try cursor.delimited()
    }

    /// Writes all values of a repeated field that stand together.
    private mutating func repeated(
        _ field: FieldTable, _ tag: UInt32, _ cursor: inout WireCursor, depth: Int
    ) throws(JSONError) {
        let start = out.count
        key(field)
        out.append(UInt8(ascii: "["))
        let begin = out.count
        var tag = tag
        var index = 0
        while true {
            if tag != field.tag {
                var packed = try cursor.delimited()
                while !packed.isAtEnd {
                    let bits = try packed.bits(field.wireType)
                    if field.kind == .enumeration, isUnknown(bits, field) { continue }
                    scalar(bits, field)
                    out.append(UInt8(ascii: ","))
                }
            } else {
                do throws(JSONError) {
                    try element(field, &cursor, depth: depth)
                } catch {
                    throw error.within(index)
                }
                index += 1
            }
            let mark = cursor
            if cursor.isAtEnd { break }
            tag = try cursor.tag()
            guard tag == field.tag || field.isPackable && tag == field.number << 3 | 2 else {
                cursor = mark
                break
            }
            try checkLength()
        }
        // Pieces without a value are no field.
        if out.count == begin, !options.printsDefaults {
            out.truncate(to: start)
        } else {
            close(UInt8(ascii: "]"))
            out.append(UInt8(ascii: ","))
        }
    }

    private mutating func element(_ field: FieldTable, _ cursor: inout WireCursor, depth: Int) throws(JSONError) {
        switch field.kind {
        case .message:
            let content = try self.content(of: field, &cursor)
            try message(Int(field.type), content, depth: depth + 1)
        case .string, .bytes:
            try text(field, try cursor.delimited())
        default:
            let bits = try cursor.bits(field.wireType)
            if field.kind == .enumeration, isUnknown(bits, field) { return }
            scalar(bits, field)
        }
        out.append(UInt8(ascii: ","))
    }

    // MARK: - Maps

    /// Writes all entries of a map that stand together.
    private mutating func map(_ field: FieldTable, _ cursor: inout WireCursor, depth: Int) throws(JSONError) {
        let start = out.count
        key(field)
        out.append(UInt8(ascii: "{"))
        let begin = out.count
        try entries(of: field, &cursor, depth: depth)
        if out.count == begin, !options.printsDefaults {
            out.truncate(to: start)
        } else {
            close(UInt8(ascii: "}"))
            out.append(UInt8(ascii: ","))
        }
    }

    /// Writes the entries that stand together, the first of which begins after its tag.
    mutating func entries(of field: FieldTable, _ cursor: inout WireCursor, depth: Int) throws(JSONError) {
        guard depth < options.maxDepth else {
            throw JSONError("the message is nested more than \(options.maxDepth) deep")
        }
        let first = Int(tables.messages[Int(field.type)].first)
        let key = tables.fields[first]
        let value = tables.fields[first + 1]
        var keys = KeySet()
        while true {
            let content = try self.content(of: field, &cursor)
            if sorts {
                var sorted = ByteSink(capacity: content.count)
                let isSorted = try MessageSorter(tables, Int(field.type)).sort(content, into: &sorted)
                let entry = isSorted ? content : WireCursor(sorted.base, sorted.base + sorted.count)
                try self.entry(entry, key, value, &keys, depth: depth)
                // As for messages: this use keeps the sorted bytes.
                sorted.truncate(to: 0)
            } else {
                try entry(content, key, value, &keys, depth: depth)
            }
            let mark = cursor
            if cursor.isAtEnd { return }
            guard try cursor.tag() == field.tag else {
                cursor = mark
                return
            }
            try checkLength()
        }
    }

    private mutating func entry(
        _ content: WireCursor, _ key: FieldTable, _ value: FieldTable, _ keys: inout KeySet, depth: Int
    ) throws(JSONError) {
        var cursor = content
        var keyBits: UInt64 = 0
        var keyText = WireCursor(content.end, content.end)
        var found: WireCursor?
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            if tag == key.tag {
                if key.kind == .string {
                    keyText = try cursor.delimited()
                } else {
                    keyBits = try cursor.bits(key.wireType)
                }
            } else {
                if tag == value.tag {
                    // Two messages would have to be merged.
                    if found != nil, value.kind == .message { throw stop() }
                    found = cursor
                }
                try cursor.skip(tag)
            }
        }
        let start = out.count
        if key.kind == .string {
            guard out.quoted(keyText.bytes) else { throw JSONError("a key is not UTF-8") }
        } else {
            out.append(UInt8(ascii: "\""))
            integer(keyBits, key.kind)
            out.append(UInt8(ascii: "\""))
        }
        // Of two entries with one key the last counts.
        guard keys.insert(start..<out.count, in: out.base) else { throw stop() }
        let keyEnd = out.count
        out.append(UInt8(ascii: ":"))
        do throws(JSONError) {
            if var found {
                let begin = out.count
                try element(value, &found, depth: depth + (value.kind == .message ? 1 : 0))
                // An entry with an unknown value of a closed enum is none.
                if out.count == begin { out.truncate(to: start) }
            } else if value.kind == .message {
                try message(Int(value.type), WireCursor(content.end, content.end), depth: depth + 2)
                out.append(UInt8(ascii: ","))
            } else {
                zero(value)
                out.append(UInt8(ascii: ","))
            }
        } catch {
            throw error.within("[\(String(decoding: out.bytes[start..<min(keyEnd, start + 80)], as: UTF8.self))]")
        }
    }
}
