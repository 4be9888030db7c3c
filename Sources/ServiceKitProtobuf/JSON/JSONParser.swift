/// Reads JSON documents (RFC 8259) one after the other, with or without space between them.
package struct JSONParser: Sendable {
    /// The largest depth of nested arrays and objects.
    package static let maxDepth = 100

    private let bytes: [UInt8]
    private var position = 0

    /// - Parameter text: The documents, as UTF-8.
    package init(_ text: some Sequence<UInt8>) {
        bytes = Array(text)
        // A byte order mark does not belong to a document.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// Reads a text that contains one document. Throws ``DescriptorError`` with line and column.
    package static func parse(_ text: String) throws(DescriptorError) -> JSONValue {
        var parser = JSONParser(text.utf8)
        guard let value = try parser.next() else { throw parser.error("there is no JSON") }
        parser.skipSpace()
        if parser.position < parser.bytes.count { throw parser.error("unexpected text after the JSON") }
        return value
    }

    /// Reads the next document; `nil` when there is none. Throws ``DescriptorError`` with line and column.
    package mutating func next() throws(DescriptorError) -> JSONValue? {
        skipSpace()
        if position == bytes.count { return nil }
        return try value(depth: 1)
    }

    /// Reads the next document, and returns its text; `nil` when there is none. Throws as ``next()``.
    package mutating func nextText() throws(DescriptorError) -> [UInt8]? {
        skipSpace()
        let start = position
        return try next().map { _ in Array(bytes[start..<position]) }
    }

    // MARK: - Values

    private mutating func value(depth: Int) throws(DescriptorError) -> JSONValue {
        guard depth <= Self.maxDepth else { throw error("it is nested more than \(Self.maxDepth) deep") }
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || Self.isDigit(byte): return .number(try number())
        default: throw error("expected a value")
        }
    }

    private mutating func object(depth: Int) throws(DescriptorError) -> JSONValue {
        var members: [JSONValue.Member] = []
        var names: Set<String> = []
        position += 1
        skipSpace()
        if take("}") { return .object([]) }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw error("expected a name in double quotes") }
            let name = try string()
            guard names.insert(name).inserted else { throw error("\"\(name)\" occurs twice") }
            skipSpace()
            guard take(":") else { throw error("expected a colon after \"\(name)\"") }
            members.append(JSONValue.Member(name, try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw error("expected a comma or }") }
        }
    }

    private mutating func array(depth: Int) throws(DescriptorError) -> JSONValue {
        var elements: [JSONValue] = []
        position += 1
        skipSpace()
        if take("]") { return .array([]) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw error("expected a comma or ]") }
        }
    }

    private mutating func word(_ text: String, _ value: JSONValue) throws(DescriptorError) -> JSONValue {
        guard bytes[position...].starts(with: text.utf8) else { throw error("expected a value") }
        position += text.utf8.count
        return value
    }

    private mutating func number() throws(DescriptorError) -> String {
        let start = position
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() throws(DescriptorError) {
        let start = position
        while let byte = peek, Self.isDigit(byte) { position += 1 }
        if position == start { throw error("expected a digit") }
    }

    // MARK: - Strings

    private mutating func string() throws(DescriptorError) -> String {
        let start = position
        var content: [UInt8] = []
        position += 1
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else {
                    position = start
                    throw error("the string is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): content += String(try escape()).utf8
            case 0..<0x20: throw error("a control character in a string must be written as \\u and four digits")
            default: content.append(byte)
            }
        }
        position = start
        throw error("the string has no end")
    }

    /// Reads an escape sequence after its backslash.
    private mutating func escape() throws(DescriptorError) -> Unicode.Scalar {
        guard let byte = peek else { throw error("the string has no end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try hexadecimal()
            if let scalar = Unicode.Scalar(unit) { return scalar }
            guard UTF16.isLeadSurrogate(UInt16(unit)), take("\\"), take("u") else {
                throw error("half of a surrogate pair")
            }
            let trail = try hexadecimal()
            guard (0xDC00...0xDFFF).contains(trail),
                let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (trail - 0xDC00))
            else { throw error("half of a surrogate pair") }
            return scalar
        default: throw error("unknown escape \\\(Unicode.Scalar(byte))")
        }
    }

    private mutating func hexadecimal() throws(DescriptorError) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw error("\\u needs four hexadecimal digits") }
        position += 4
        return value
    }

    // MARK: - Bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private func error(_ message: String) -> DescriptorError {
        let before = bytes[..<position]
        let line = before.count { $0 == 0x0A } + 1
        let column = before.reversed().prefix { $0 != 0x0A }.count + 1
        return DescriptorError("JSON, line \(line), column \(column): \(message)")
    }
}
