extension DynamicMessage {
    /// Reads a message of a type, given by its full name, in the wire format. Throws ``DescriptorError`` when the bytes
    /// are no such message.
    package init(_ bytes: [UInt8], as type: String, in pool: DescriptorPool) throws(DescriptorError) {
        self.init(type)
        try merge(bytes[...], pool, depth: 1)
    }

    /// Merges further fields into the message.
    private mutating func merge(
        _ bytes: ArraySlice<UInt8>,
        _ pool: DescriptorPool,
        depth: Int
    ) throws(DescriptorError) {
        guard depth <= Self.maxDepth else { throw DescriptorError("\(type) is nested more than \(Self.maxDepth) deep") }
        let type = try pool.message(type)
        var reader = WireReader(bytes)
        while !reader.isAtEnd {
            let (number, wireType) = try reader.tag()
            if let field = type.field(number: number), wireType == field.wireType {
                try read(field, of: type, from: &reader, pool, depth: depth)
            } else if let field = type.field(number: number), field.isPackable, wireType == .delimited {
                var packed = WireReader(try reader.delimited())
                while !packed.isAtEnd { append(try packed.scalar(of: field), to: field) }
            } else {
                try reader.skip(wireType, number: number, depth: Self.maxDepth)
            }
        }
    }

    private mutating func read(
        _ field: FieldType,
        of type: MessageType,
        from reader: inout WireReader,
        _ pool: DescriptorPool,
        depth: Int
    ) throws(DescriptorError) {
        guard case .message(let name, let isDelimited) = field.kind else {
            let value = try reader.scalar(of: field)
            if field.isRepeated { append(value, to: field) } else { set(value, of: field, in: type) }
            return
        }
        let content =
            if isDelimited {
                try reader.group(number: field.number, depth: Self.maxDepth)
            } else {
                try reader.delimited()
            }
        // A message field may come in several parts. They are merged.
        var message = DynamicMessage(name)
        if !field.isRepeated, case .message(let earlier)? = value(of: field.number) { message = earlier }
        try message.merge(content, pool, depth: depth + 1)
        if field.isRepeated {
            append(.message(message), to: field)
        } else {
            set(.message(message), of: field, in: type)
        }
    }
}

extension WireReader {
    /// Reads a value that is not a message.
    mutating func scalar(of field: FieldType) throws(DescriptorError) -> DynamicMessage.Value {
        switch field.kind {
        case .int32, .enumeration: return .int(Int64(Int32(truncatingIfNeeded: try varint())))
        case .int64: return .int(Int64(bitPattern: try varint()))
        case .uint32: return .uint(UInt64(UInt32(truncatingIfNeeded: try varint())))
        case .uint64: return .uint(try varint())
        case .sint32: return .int(Self.unzigzag(UInt64(UInt32(truncatingIfNeeded: try varint()))))
        case .sint64: return .int(Self.unzigzag(try varint()))
        case .bool: return .bool(try varint() != 0)
        case .fixed32: return .uint(UInt64(try fixed() as UInt32))
        case .fixed64: return .uint(try fixed())
        case .sfixed32: return .int(Int64(Int32(bitPattern: try fixed())))
        case .sfixed64: return .int(Int64(bitPattern: try fixed()))
        case .float: return .float(Float(bitPattern: try fixed()))
        case .double: return .double(Double(bitPattern: try fixed()))
        case .bytes, .message: return .bytes(Array(try delimited()))
        case .string:
            guard let text = String(validating: try delimited(), as: UTF8.self) else {
                throw DescriptorError("the string \(field.name) is not UTF-8")
            }
            return .string(text)
        }
    }

    private static func unzigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}
