extension WireToJSON {
    /// Whether the bits of a number are those of its default. Minus zero is not.
    @inline(__always) func isZero(_ bits: UInt64, _ kind: FieldTable.Kind) -> Bool {
        switch kind {
        case .int32, .uint32, .sint32, .enumeration: UInt32(truncatingIfNeeded: bits) == 0
        default: bits == 0
        }
    }

    /// Whether the bits are no value of a closed enum.
    @inline(__always) func isUnknown(_ bits: UInt64, _ field: FieldTable) -> Bool {
        guard field.type >= 0, tables.enums[Int(field.type)].isClosed else { return false }
        return tables.value(Int32(truncatingIfNeeded: bits), of: tables.enums[Int(field.type)]) == nil
    }

    /// Writes a value that is neither text nor a message.
    @inline(__always) mutating func scalar(_ bits: UInt64, _ field: FieldTable) {
        switch field.kind {
        case .double: out.number(Double(bitPattern: bits))
        case .float: out.number(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        case .int64, .uint64, .sint64, .fixed64, .sfixed64:
            if options.int64AsNumber {
                integer(bits, field.kind)
            } else {
                out.append(UInt8(ascii: "\""))
                integer(bits, field.kind)
                out.append(UInt8(ascii: "\""))
            }
        case .enumeration: enumeration(Int32(truncatingIfNeeded: bits), field)
        default: integer(bits, field.kind)
        }
    }

    /// Writes an integer or a Boolean without quotes.
    @inline(__always) mutating func integer(_ bits: UInt64, _ kind: FieldTable.Kind) {
        switch kind {
        case .int32, .sfixed32: out.number(Int64(Int32(truncatingIfNeeded: bits)))
        case .int64, .sfixed64: out.number(Int64(bitPattern: bits))
        case .uint32, .fixed32: out.number(UInt64(UInt32(truncatingIfNeeded: bits)))
        case .sint32: out.number(Self.unzigzag(UInt64(UInt32(truncatingIfNeeded: bits))))
        case .sint64: out.number(Self.unzigzag(bits))
        case .bool: if bits != 0 { out.append("true") } else { out.append("false") }
        default: out.number(bits)
        }
    }

    private static func unzigzag(_ bits: UInt64) -> Int64 {
        Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1)
    }

    private mutating func enumeration(_ number: Int32, _ field: FieldTable) {
        if field.type >= 0 {
            let type = tables.enums[Int(field.type)]
            if type.isNullValue {
                out.append("null")
                return
            }
            if !options.enumsAsNumbers, let value = tables.value(number, of: type) {
                tables.text.withUnsafeBufferPointer { text in
                    // The name is a part of the text, as the compiler of the tables made it.
                    if let start = text.baseAddress {
                        out.append(start + Int(value.name.offset), Int(value.name.count))
                    }
                }
                return
            }
        }
        out.number(Int64(number))
    }

    /// Writes a string, or bytes in base64.
    @inline(__always) mutating func text(_ field: FieldTable, _ content: WireCursor) throws(JSONError) {
        if field.kind == .string {
            guard out.quoted(content.bytes) else { throw JSONError("the string is not UTF-8") }
        } else {
            out.append(UInt8(ascii: "\""))
            Base64.encode(content.bytes, into: &out)
            out.append(UInt8(ascii: "\""))
        }
    }

    /// Writes a field without presence that is missing.
    mutating func missing(_ field: FieldTable) {
        guard !field.hasPresence else { return }
        let range = options.usesProtoNames ? field.protoKey : field.jsonKey
        tables.text.withUnsafeBufferPointer { text in
            // The key is a part of the text, as the compiler of the tables made it.
            if let start = text.baseAddress { out.append(start + Int(range.offset) + 1, Int(range.count) - 1) }
        }
        if field.isRepeated {
            if field.isMap { out.append("{}") } else { out.append("[]") }
        } else {
            zero(field)
        }
        out.append(UInt8(ascii: ","))
    }

    /// Writes the default of a value that is no message.
    mutating func zero(_ field: FieldTable) {
        switch field.kind {
        case .string, .bytes: out.append("\"\"")
        case .message: out.append("null")
        case .enumeration where field.type >= 0 && tables.enums[Int(field.type)].isClosed:
            // The default of a closed enum is its first value.
            enumeration(tables.enumTypes[Int(field.type)].values.first?.number ?? 0, field)
        default: scalar(0, field)
        }
    }
}
