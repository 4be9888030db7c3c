/// Reads protobuf's wire format.
package struct WireReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    package var isAtEnd: Bool { position == bytes.endIndex }

    /// The index of the next byte.
    var offset: Int { position }

    /// Reads the number and the layout of the next field.
    package mutating func tag() throws(DescriptorError) -> (number: Int32, type: WireType) {
        let tag = try varint()
        guard let type = WireType(rawValue: UInt8(tag & 7)), (1...0x1FFF_FFFF).contains(tag >> 3) else {
            throw DescriptorError("invalid field tag \(tag)")
        }
        return (Int32(tag >> 3), type)
    }

    package mutating func varint() throws(DescriptorError) -> UInt64 {
        var result: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < bytes.endIndex else { throw Self.truncated }
            let byte = bytes[position]
            position += 1
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
        }
        throw DescriptorError("a number has more than ten bytes")
    }

    /// Reads a number of 4 or 8 bytes.
    package mutating func fixed<Number: FixedWidthInteger>() throws(DescriptorError) -> Number {
        try take(Number.bitWidth / 8).reversed().reduce(0) { $0 << 8 | Number($1) }
    }

    /// Reads the length of bytes, and then the bytes.
    package mutating func delimited() throws(DescriptorError) -> ArraySlice<UInt8> {
        guard let count = Int(exactly: try varint()) else { throw Self.truncated }
        return try take(count)
    }

    /// Skips a value. Groups may be nested up to `depth`.
    package mutating func skip(_ type: WireType, number: Int32, depth: Int) throws(DescriptorError) {
        switch type {
        case .varint: _ = try varint()
        case .fixed32: _ = try take(4)
        case .fixed64: _ = try take(8)
        case .delimited: _ = try delimited()
        case .groupEnd: throw DescriptorError("the group \(number) ends without having begun")
        case .groupStart:
            guard depth > 0 else { throw DescriptorError("groups are nested too deep") }
            while true {
                let (inner, type) = try tag()
                if type == .groupEnd {
                    guard inner == number else { throw DescriptorError("the group \(number) ends as \(inner)") }
                    return
                }
                try skip(type, number: inner, depth: depth - 1)
            }
        }
    }

    /// Reads the bytes up to the end of a group whose beginning was read.
    package mutating func group(number: Int32, depth: Int) throws(DescriptorError) -> ArraySlice<UInt8> {
        let start = position
        while true {
            let end = position
            let (inner, type) = try tag()
            if type == .groupEnd, inner == number { return bytes[start..<end] }
            try skip(type, number: inner, depth: depth)
        }
    }

    private mutating func take(_ count: Int) throws(DescriptorError) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - position else { throw Self.truncated }
        defer { position += count }
        return bytes[position..<position + count]
    }

    private static let truncated = DescriptorError("the message ends in the middle of a field")
}
