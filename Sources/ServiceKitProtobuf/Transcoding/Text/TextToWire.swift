/// Writes fields that are given as text, as in the path and the query of a URL, in the wire format.
///
/// Messages in pieces are one message, in which the last value of a field counts. So a field is appended to what is there.
package struct TextToWire: ~Copyable {
    private let transcoder: JSONTranscoder
    private var out: ByteSink
    /// The fields of oneofs that have been written.
    private var choices: [Choice] = []
    private var tables: MessageTables { transcoder.tables }

    private struct Choice {
        /// The numbers of the fields that lead to the message of the oneof.
        let path: [UInt32]
        let oneof: Int32
        let field: UInt32
    }

    package init(_ transcoder: JSONTranscoder) {
        self.transcoder = transcoder
        out = ByteSink(capacity: 256)
    }

    /// The fields that have been written.
    package var bytes: UnsafeBufferPointer<UInt8> { out.bytes }

    /// Writes a field.
    ///
    /// - Parameters:
    ///   - text: The value: a number, a name of an enum, a time (RFC 3339), paths of a mask with commas.
    /// - Throws: ``JSONError`` when the text is no value of the field.
    package mutating func append(_ text: UnsafeBufferPointer<UInt8>, to field: FieldPath) throws(JSONError) {
        try choose(field.fields)
        try write(field.fields[...], key: nil, text)
    }

    /// Writes a field that is given by its path in JSON or proto names: `user.name`, `tags[]`, `labels[a]`, `labels.a`.
    ///
    /// - Returns: Whether the message has the field. If not, nothing is written.
    /// - Throws: ``JSONError`` when the text is no value of the field, or the field takes no text.
    package mutating func append(
        _ text: UnsafeBufferPointer<UInt8>, toFieldNamed name: UnsafeBufferPointer<UInt8>
    ) throws(JSONError) -> Bool {
        var chain: [FieldTable] = []
        var message = transcoder.index
        var start = 0
        while true {
            var end = start
            while end < name.count, name[end] != UInt8(ascii: "."), name[end] != UInt8(ascii: "[") { end += 1 }
            let part = UnsafeBufferPointer(rebasing: name[start..<end])
            guard message >= 0, chain.count < transcoder.options.maxDepth,
                let index = tables.find(part, in: tables.messages[message].names)
            else { return false }
            let field = tables.fields[Int(tables.messages[message].first) + Int(index)]
            chain.append(field)
            let rest = UnsafeBufferPointer(rebasing: name[end...])
            if rest.isEmpty {
                try choose(chain)
                try write(chain[...], key: nil, text)
                return true
            }
            if field.isMap {
                guard let key = Self.key(rest) else {
                    throw JSONError("a key of a map is given as name[key] or name.key")
                }
                try write(chain[...], key: key, text)
                return true
            }
            if field.isRepeated, rest.elementsEqual("[]".utf8) {
                try write(chain[...], key: nil, text)
                return true
            }
            guard rest[0] == UInt8(ascii: "."), field.kind == .message, !field.isRepeated else { return false }
            message = Int(field.type)
            start = end + 1
        }
    }

    /// The key in `[key]` or `.key`.
    private static func key(_ rest: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
        if rest[0] == UInt8(ascii: ".") { return UnsafeBufferPointer(rebasing: rest[1...]) }
        guard rest.count >= 2, rest[rest.count - 1] == UInt8(ascii: "]") else { return nil }
        return UnsafeBufferPointer(rebasing: rest[1..<rest.count - 1])
    }

    // MARK: - Writing

    /// Notes the fields of oneofs. Two fields of one oneof are a mistake, as in JSON.
    private mutating func choose(_ chain: [FieldTable]) throws(JSONError) {
        var message = transcoder.index
        for (depth, field) in chain.enumerated() {
            if field.oneof >= 0 {
                let path = chain.prefix(depth).map(\.number)
                if let other = choices.first(where: { $0.oneof == field.oneof && $0.path == path }) {
                    guard other.field == field.number else {
                        let name = tables.types[message].oneofs[Int(field.oneof)]
                        throw JSONError("only one field of \(name) can be given")
                    }
                } else {
                    choices.append(Choice(path: path, oneof: field.oneof, field: field.number))
                }
            }
            message = Int(field.type)
        }
    }

    /// Writes a field inside of messages.
    private mutating func write(
        _ chain: ArraySlice<FieldTable>, key: UnsafeBufferPointer<UInt8>?, _ text: UnsafeBufferPointer<UInt8>
    ) throws(JSONError) {
        guard let field = chain.first else { return }
        if chain.count == 1 {
            if let key { try entry(field, key, text) } else { try value(field, text) }
            return
        }
        out.varint(UInt64(field.tag))
        if field.wireType == .delimited {
            let start = out.open()
            try write(chain.dropFirst(), key: key, text)
            out.close(start)
        } else {
            try write(chain.dropFirst(), key: key, text)
            out.varint(UInt64(field.number << 3 | 4))
        }
    }

    /// Writes an entry of a map.
    private mutating func entry(
        _ field: FieldTable, _ key: UnsafeBufferPointer<UInt8>, _ text: UnsafeBufferPointer<UInt8>
    ) throws(JSONError) {
        let first = Int(tables.messages[Int(field.type)].first)
        let keyField = tables.fields[first]
        out.varint(UInt64(field.tag))
        let start = field.wireType == .delimited ? out.open() : 0
        if keyField.kind == .string {
            try value(keyField, key)
        } else {
            guard let bits = JSONToWire.bits(ofKey: key, keyField.kind) else {
                throw JSONError("expected \(JSONToWire.expectation(keyField, tables)) as key")
            }
            out.varint(UInt64(keyField.tag))
            out.number(bits, keyField.wireType)
        }
        try value(tables.fields[first + 1], text)
        if field.wireType == .delimited { out.close(start) } else { out.varint(UInt64(field.number << 3 | 4)) }
    }

    /// Writes a value with its tag. A default is written too: it may replace another value.
    private mutating func value(_ field: FieldTable, _ text: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        switch field.kind {
        case .string:
            guard UTF8Text.isValid(text) else { throw JSONError("the value is not UTF-8") }
            out.varint(UInt64(field.tag))
            out.varint(UInt64(text.count))
            out.append(text)
        case .bytes:
            out.varint(UInt64(field.tag))
            let start = out.open()
            guard Base64.decode(text, into: &out) else { throw mismatch(field, text) }
            out.close(start)
        case .message:
            guard field.type >= 0, !field.isMap, field.wireType == .delimited else { throw noText(field) }
            out.varint(UInt64(field.tag))
            let start = out.open()
            try message(field, text)
            out.close(start)
        default:
            guard let bits = bits(field, text) else { throw mismatch(field, text) }
            out.varint(UInt64(field.tag))
            out.number(bits, field.wireType)
        }
    }

    private mutating func message(_ field: FieldTable, _ text: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        let table = tables.messages[Int(field.type)]
        switch table.form {
        case .timestamp:
            guard let (seconds, nanos) = Timestamps.read(text) else { throw mismatch(field, text) }
            out.time(seconds, nanos)
        case .duration:
            guard let (seconds, nanos) = Durations.read(text) else { throw mismatch(field, text) }
            out.time(seconds, nanos)
        case .fieldMask:
            guard FieldMasks.read(text, takesUnderscores: true, into: &out) else { throw mismatch(field, text) }
        case .wrapper: try value(tables.fields[Int(table.first)], text)
        // A text is a string, even if it looks like a number.
        case .value: try value(tables.fields[Int(table.first) + 2], text)
        case .object, .empty, .any, .structure, .list: throw noText(field)
        }
    }

    private func bits(_ field: FieldTable, _ text: UnsafeBufferPointer<UInt8>) -> UInt64? {
        switch field.kind {
        case .bool:
            if text.elementsEqual("true".utf8) || text.elementsEqual("1".utf8) { return 1 }
            return text.elementsEqual("false".utf8) || text.elementsEqual("0".utf8) ? 0 : nil
        case .enumeration:
            guard field.type >= 0 else { return nil }
            let type = tables.enums[Int(field.type)]
            if let number = tables.find(text, in: type.names) { return UInt64(bitPattern: Int64(number)) }
            guard let bits = JSONToWire.bits(of: text, .int32) else { return nil }
            return type.isClosed && tables.value(Int32(truncatingIfNeeded: bits), of: type) == nil ? nil : bits
        default: return JSONToWire.bits(of: text, field.kind)
        }
    }

    private func mismatch(_ field: FieldTable, _ text: UnsafeBufferPointer<UInt8>) -> JSONError {
        let found = String(decoding: text.prefix(40), as: UTF8.self)
        return JSONError("expected \(JSONToWire.expectation(field, tables)), found \"\(found)\"")
    }

    private func noText(_ field: FieldTable) -> JSONError {
        JSONError("\(JSONToWire.expectation(field, tables)) cannot be given as text; give it in the body")
    }
}

/// The path of a field in a message: `user.name`.
package struct FieldPath: Sendable {
    /// The path in the names of the `.proto` file or of JSON.
    package let name: String
    let fields: [FieldTable]
    /// The index of the first field in its message.
    let first: Int

    /// The number of the field.
    package var number: Int32 { Int32(bitPattern: fields.last?.number ?? 0) }

    /// The full name of the field's message; `nil` if the field is no single message.
    package func message(of transcoder: JSONTranscoder) -> String? {
        guard let field = fields.last, field.kind == .message, !field.isRepeated, field.type >= 0 else { return nil }
        return transcoder.tables.types[Int(field.type)].name
    }

    /// Finds a field of the transcoder's message.
    ///
    /// - Parameter isVariable: Whether the field is a variable of a path, which is a single value that text can give.
    /// - Throws: ``DescriptorError`` when there is no such field, or a path through it is not possible.
    package init(_ name: String, of transcoder: JSONTranscoder, isVariable: Bool = false) throws(DescriptorError) {
        let tables = transcoder.tables
        var message = transcoder.index
        var fields: [FieldTable] = []
        var first = 0
        for part in name.split(separator: ".", omittingEmptySubsequences: false) {
            var part = String(part)
            let index = part.withUTF8 { message < 0 ? nil : tables.find($0, in: tables.messages[message].names) }
            guard let index else {
                let type = message < 0 ? "a value" : tables.types[message].name
                throw DescriptorError("\(name): there is no field \(part) in \(type)")
            }
            if let previous = fields.last, previous.isRepeated || previous.kind != .message {
                throw DescriptorError("\(name): \(part) is inside of a field that is no single message")
            }
            if fields.isEmpty { first = Int(index) }
            let field = tables.fields[Int(tables.messages[message].first) + Int(index)]
            fields.append(field)
            message = field.kind == .message ? Int(field.type) : -1
        }
        if isVariable, let last = fields.last {
            guard !last.isRepeated else {
                throw DescriptorError("\(name): a repeated field cannot be a variable of a path")
            }
            let forms: [MessageTable.Form] = [.timestamp, .duration, .fieldMask, .wrapper]
            guard last.kind != .message || last.type >= 0 && forms.contains(tables.messages[Int(last.type)].form) else {
                throw DescriptorError("\(name): a message cannot be a variable of a path")
            }
        }
        self.name = name
        self.fields = fields
        self.first = first
    }
}
