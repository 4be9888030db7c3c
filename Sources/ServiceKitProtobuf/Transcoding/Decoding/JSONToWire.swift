/// Reads a message as JSON, in one pass, and writes it in the wire format: https://protobuf.dev/programming-guides/json/
///
/// As protobuf's conformance tests want it, a field or key that occurs twice is refused, and so are two fields of one oneof.
///
/// The JSON lies in memory that the transcoder keeps alive for the time of one call. Every read looks at the end first.
struct JSONToWire: ~Copyable {
    let tables: MessageTables
    let options: JSONOptions
    var out: ByteSink
    private let start: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    var position: UnsafePointer<UInt8>
    /// The last string that had escapes.
    private var unescaped = ByteSink(capacity: 64)

    init(_ tables: MessageTables, _ options: JSONOptions, _ start: UnsafePointer<UInt8>, count: Int) {
        self.tables = tables
        self.options = options
        self.start = start
        end = start + count
        position = start
        out = ByteSink(capacity: count)
    }

    /// Reads the text as one message.
    mutating func document(_ index: Int) throws(JSONError) {
        try begin()
        try message(index, depth: 1)
        try finish()
    }

    /// Reads the text as the value of a field. Null stands for a missing field, as in a message.
    mutating func document(_ field: FieldTable) throws(JSONError) {
        try begin()
        if isNull(field) {
            _ = take(word: "null")
        } else {
            try self.field(field, depth: 1)
        }
        try finish()
    }

    private mutating func begin() throws(JSONError) {
        guard end - start <= options.maxBytes else { throw fail("the JSON is longer than \(options.maxBytes) bytes") }
        // A byte order mark does not belong to a document.
        if end - start >= 3, start[0] == 0xEF, start[1] == 0xBB, start[2] == 0xBF { position += 3 }
        skipSpace()
        if position == end { throw fail("there is no JSON") }
    }

    private mutating func finish() throws(JSONError) {
        skipSpace()
        guard position == end else { throw fail("unexpected text after the JSON") }
    }

    // MARK: - Bytes

    @inline(__always) var peek: UInt8 { position < end ? position.pointee : 0 }

    @inline(__always) mutating func skipSpace() {
        while position < end {
            switch position.pointee {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    @inline(__always) mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < end, position.pointee == UInt8(truncatingIfNeeded: character.value) else { return false }
        position += 1
        return true
    }

    /// Reads `true`, `false` or `null`.
    @inline(__always) mutating func take(word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard end - position >= count else { return false }
        for index in 0..<count where position[index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    func fail(_ reason: String) -> JSONError { fail(reason, at: position) }

    func fail(_ reason: String, at place: UnsafePointer<UInt8>) -> JSONError {
        JSONError(reason, offset: place - start)
    }

    /// The error about a value of another kind than expected.
    func mismatch(_ expected: String, at place: UnsafePointer<UInt8>) -> JSONError {
        fail("expected \(expected), found \(summary(at: place))", at: place)
    }

    /// A value in an error: `the number 5`.
    private func summary(at place: UnsafePointer<UInt8>) -> String {
        let rest = UnsafeBufferPointer(start: place, count: end - place)
        func text(_ part: some Collection<UInt8>) -> String { String(decoding: part.prefix(40), as: UTF8.self) }
        guard let first = rest.first else { return "the end of the text" }
        switch first {
        case UInt8(ascii: "{"): return "an object"
        case UInt8(ascii: "["): return "an array"
        case UInt8(ascii: "\""): return "the string \"\(text(rest.dropFirst().prefix(while: { $0 != 0x22 })))\""
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            return text(rest.prefix(while: { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return
                "the number \(text(rest.prefix(while: { ![0x20, 0x0A, 0x0D, 0x09, 0x2C, 0x5D, 0x7D].contains($0) })))"
        default: return "no value"
        }
    }

    // MARK: - Strings

    /// Reads a string. The bytes are valid until the next string is read.
    @inline(__always) mutating func text() throws(JSONError) -> UnsafeBufferPointer<UInt8> {
        position += 1
        let begin = position
        try skipPlain(from: begin)
        if position.pointee == UInt8(ascii: "\"") {
            defer { position += 1 }
            return UnsafeBufferPointer(start: begin, count: position - begin)
        }
        return try escapedText(begin)
    }

    /// Skips to the quote or backslash that ends a run of characters.
    @inline(__always) private mutating func skipPlain(from begin: UnsafePointer<UInt8>) throws(JSONError) {
        while true {
            position = UTF8Text.plainEnd(position, end)
            guard position < end else { throw fail("the string has no end", at: begin - 1) }
            switch position.pointee {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): return
            case 0..<0x20:
                throw fail("a control character in a string must be written as \\u and four digits")
            case 0x7F: position += 1
            default:
                let length = UTF8Text.length(position, end)
                if length == 0 { throw fail("the string is not UTF-8") }
                position += length
            }
        }
    }

    private mutating func escapedText(_ begin: UnsafePointer<UInt8>) throws(JSONError) -> UnsafeBufferPointer<UInt8> {
        unescaped.truncate(to: 0)
        unescaped.append(begin, position - begin)
        while position.pointee == UInt8(ascii: "\\") {
            unescaped.append(character: try escape())
            let run = position
            try skipPlain(from: begin)
            unescaped.append(run, position - run)
        }
        position += 1
        return unescaped.bytes
    }

    /// Reads an escape sequence.
    private mutating func escape() throws(JSONError) -> UInt32 {
        let begin = position
        position += 1
        guard position < end else { throw fail("the string has no end", at: begin) }
        let byte = position.pointee
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UInt32(byte)
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"):
            let unit = try hexadecimal()
            switch unit {
            case 0xD800...0xDBFF:
                guard take("\\"), take("u") else { throw fail("half of a surrogate pair", at: begin) }
                let trail = try hexadecimal()
                guard (0xDC00...0xDFFF).contains(trail) else { throw fail("half of a surrogate pair", at: begin) }
                return 0x10000 + (unit - 0xD800) << 10 + (trail - 0xDC00)
            case 0xDC00...0xDFFF: throw fail("half of a surrogate pair", at: begin)
            default: return unit
            }
        default: throw fail("a backslash stands before a character that is no escape", at: begin)
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch peek {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = peek - 0x30
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = peek - 0x57
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = peek - 0x37
            default: throw fail("\\u needs four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    // MARK: - Structure

    /// Reads the opening bracket of an object.
    func expectObject(_ expected: @autoclosure () -> String) throws(JSONError) {
        guard peek == UInt8(ascii: "{") else { throw mismatch(expected(), at: position) }
    }

    /// Reads a name, the colon behind it, and space.
    @inline(__always) mutating func colon(after name: UnsafePointer<UInt8>) throws(JSONError) {
        skipSpace()
        guard take(":") else {
            let text = UnsafeBufferPointer(start: name, count: min(position - name, 40))
            let end = text.dropFirst().firstIndex(of: 0x22).map { $0 + 1 } ?? text.count
            throw fail("expected a colon after \(String(decoding: text[..<end], as: UTF8.self))")
        }
        skipSpace()
    }

    /// Reads what stands behind a member or element. Returns whether another follows.
    @inline(__always) mutating func continues(_ bracket: Unicode.Scalar) throws(JSONError) -> Bool {
        skipSpace()
        if take(",") {
            skipSpace()
            return true
        }
        guard take(bracket) else { throw fail("expected a comma or \(bracket)") }
        return false
    }

    func checkDepth(_ depth: Int) throws(JSONError) {
        guard depth <= options.maxDepth else { throw fail("it is nested more than \(options.maxDepth) deep") }
    }

    /// Skips a value of any kind.
    mutating func skipValue(depth: Int) throws(JSONError) {
        try checkDepth(depth)
        switch peek {
        case UInt8(ascii: "{"):
            position += 1
            skipSpace()
            if take("}") { return }
            repeat {
                guard peek == UInt8(ascii: "\"") else { throw fail("expected a name in double quotes") }
                let name = position
                _ = try text()
                try colon(after: name)
                try skipValue(depth: depth + 1)
            } while try continues("}")
        case UInt8(ascii: "["):
            position += 1
            skipSpace()
            if take("]") { return }
            repeat { try skipValue(depth: depth + 1) } while try continues("]")
        case UInt8(ascii: "\""): _ = try text()
        case UInt8(ascii: "t") where take(word: "true"): return
        case UInt8(ascii: "f") where take(word: "false"): return
        case UInt8(ascii: "n") where take(word: "null"): return
        default: guard Decimal(&position, end) != nil else { throw fail("expected a value") }
        }
    }
}
