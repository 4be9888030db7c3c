extension JSONToWire {
    /// Reads a string or base64, and writes it with its tag.
    @inline(__always) mutating func text(_ field: FieldTable) throws(JSONError) {
        let begin = position
        guard peek == UInt8(ascii: "\"") else { throw mismatch(Self.expectation(field, tables), at: begin) }
        let text = try text()
        out.varint(UInt64(field.tag))
        if field.kind == .string {
            out.varint(UInt64(text.count))
            out.append(text)
        } else {
            let start = out.open()
            guard Base64.decode(text, into: &out) else { throw mismatch(Self.expectation(field, tables), at: begin) }
            out.close(start)
        }
    }

    /// Reads a value that is neither text nor a message, as it is on the wire; `nil` for an unknown name of an enum that
    /// is skipped.
    @inline(__always) mutating func bits(_ field: FieldTable) throws(JSONError) -> UInt64? {
        let begin = position
        switch field.kind {
        case .bool:
            if take(word: "true") { return 1 }
            if take(word: "false") { return 0 }
        case .enumeration:
            return try enumeration(field)
        default:
            if field.kind != .double, field.kind != .float, let bits = smallInteger(field.kind) { return bits }
            if peek == UInt8(ascii: "\"") {
                let text = try text()
                if let bits = Self.bits(of: text, field.kind) { return bits }
            } else if let decimal = Decimal(&position, end), let bits = Self.bits(of: decimal, field.kind) {
                return bits
            }
        }
        throw mismatch(Self.expectation(field, tables), at: begin)
    }

    /// Reads an integer of up to 18 digits without point and exponent; reads nothing if it is anything else.
    @inline(__always) private mutating func smallInteger(_ kind: FieldTable.Kind) -> UInt64? {
        var next = position
        let isQuoted = next < end && next.pointee == UInt8(ascii: "\"")
        if isQuoted { next += 1 }
        let isNegative = next < end && next.pointee == UInt8(ascii: "-")
        if isNegative { next += 1 }
        let digits = next
        var value: UInt64 = 0
        while next < end, next.pointee &- 0x30 < 10, next - digits < 18 {
            value = value &* 10 &+ UInt64(next.pointee &- 0x30)
            next += 1
        }
        let count = next - digits
        // A number has no zero before other digits. A number in quotes ends there.
        guard count > 0, count == 1 || digits.pointee != 0x30, next < end else { return nil }
        if isQuoted {
            guard next.pointee == UInt8(ascii: "\"") else { return nil }
            next += 1
        } else {
            switch next.pointee {
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                return nil
            default: break
            }
        }
        guard let bits = Self.bits(value, isNegative: isNegative, kind) else { return nil }
        position = next
        return bits
    }

    /// Reads a value of an enum by name or number.
    private mutating func enumeration(_ field: FieldTable) throws(JSONError) -> UInt64? {
        let begin = position
        guard field.type >= 0 else { throw fail("the descriptor of the field's type is missing") }
        let type = tables.enums[Int(field.type)]
        if peek == UInt8(ascii: "\"") {
            if let number = tables.find(try text(), in: type.names) { return UInt64(bitPattern: Int64(number)) }
            if options.ignoresUnknownFields { return nil }
        } else if type.isNullValue, take(word: "null") {
            return 0
        } else if let decimal = Decimal(&position, end), let bits = Self.bits(of: decimal, .int32) {
            let number = Int32(truncatingIfNeeded: bits)
            if !type.isClosed || tables.value(number, of: type) != nil { return bits }
        }
        throw mismatch(Self.expectation(field, tables), at: begin)
    }

    // MARK: - Numbers

    /// Reads a whole text as a number.
    static func bits(of text: UnsafeBufferPointer<UInt8>, _ kind: FieldTable.Kind) -> UInt64? {
        guard var position = text.baseAddress.map({ UnsafePointer($0) }) else { return nil }
        let end = position + text.count
        if let decimal = Decimal(&position, end) {
            return position == end ? bits(of: decimal, kind) : nil
        }
        let value: Double
        if text.elementsEqual("NaN".utf8) {
            value = .nan
        } else if text.elementsEqual("Infinity".utf8) {
            value = .infinity
        } else if text.elementsEqual("-Infinity".utf8) {
            value = -.infinity
        } else {
            return nil
        }
        switch kind {
        case .double: return value.bitPattern
        case .float: return UInt64(Float(value).bitPattern)
        default: return nil
        }
    }

    /// Reads the key of a map.
    static func bits(ofKey text: UnsafeBufferPointer<UInt8>, _ kind: FieldTable.Kind) -> UInt64? {
        guard kind == .bool else { return bits(of: text, kind) }
        if text.elementsEqual("true".utf8) { return 1 }
        return text.elementsEqual("false".utf8) ? 0 : nil
    }

    static func bits(of decimal: Decimal, _ kind: FieldTable.Kind) -> UInt64? {
        switch kind {
        case .double: decimal.double?.bitPattern
        case .float: decimal.float.map { UInt64($0.bitPattern) }
        default: decimal.magnitude.flatMap { bits($0, isNegative: decimal.isNegative, kind) }
        }
    }

    /// An integer on the wire; `nil` if it is out of range.
    @inline(__always) static func bits(_ magnitude: UInt64, isNegative: Bool, _ kind: FieldTable.Kind) -> UInt64? {
        switch kind {
        case .uint32, .fixed32:
            return magnitude <= UInt64(UInt32.max) && (!isNegative || magnitude == 0) ? magnitude : nil
        case .uint64, .fixed64: return !isNegative || magnitude == 0 ? magnitude : nil
        case .int32, .sint32, .sfixed32:
            guard magnitude <= (isNegative ? 0x8000_0000 : 0x7FFF_FFFF) else { return nil }
        case .int64, .sint64, .sfixed64:
            guard magnitude <= (isNegative ? 0x8000_0000_0000_0000 : 0x7FFF_FFFF_FFFF_FFFF) else { return nil }
        default: return nil
        }
        let value = isNegative ? 0 &- magnitude : magnitude
        switch kind {
        case .sint32, .sint64:
            let signed = Int64(bitPattern: value)
            return UInt64(bitPattern: signed << 1 ^ signed >> 63)
        case .sfixed32: return UInt64(UInt32(truncatingIfNeeded: value))
        default: return value
        }
    }

    /// The JSON that a value needs, in words.
    static func expectation(_ field: FieldTable, _ tables: MessageTables) -> String {
        switch field.kind {
        case .double, .float: return "a number"
        case .int32, .sint32, .sfixed32: return "an integer of 32 bits"
        case .int64, .sint64, .sfixed64: return "an integer of 64 bits"
        case .uint32, .fixed32: return "an unsigned integer of 32 bits"
        case .uint64, .fixed64: return "an unsigned integer of 64 bits"
        case .bool: return "true or false"
        case .string: return "a string"
        case .bytes: return "a string in base64"
        case .enumeration:
            guard field.type >= 0 else { return "a value of an enum" }
            let type = tables.enumTypes[Int(field.type)]
            let names = type.values.prefix(50).map(\.name).joined(separator: ", ")
            return "a value of \(type.name) (\(names))"
        case .message: return field.type >= 0 ? "a \(tables.types[Int(field.type)].name)" : "a message"
        }
    }
}
