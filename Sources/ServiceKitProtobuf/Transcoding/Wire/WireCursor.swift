/// Reads the wire format from memory that the caller keeps alive and unchanged: the transcoder, for the time of one call.
///
/// Every read looks at the end first, so no byte outside of the memory is read.
struct WireCursor {
    var position: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>

    @inline(__always) init(_ position: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
        self.position = position
        self.end = end
    }

    @inline(__always) var isAtEnd: Bool { position == end }
    @inline(__always) var count: Int { end - position }
    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: position, count: count) }

    static let truncated = JSONError("the message ends in the middle of a field")

    /// Reads the number and the wire type of the next field, in one number.
    @inline(__always) mutating func tag() throws(JSONError) -> UInt32 {
        let tag = try varint()
        guard tag >= 8, tag <= 0xFFFF_FFFF, tag & 7 <= 5 else { throw JSONError("the field tag \(tag) is not valid") }
        return UInt32(truncatingIfNeeded: tag)
    }

    @inline(__always) mutating func varint() throws(JSONError) -> UInt64 {
        if position < end, position.pointee < 0x80 {
            defer { position += 1 }
            return UInt64(position.pointee)
        }
        return try longVarint()
    }

    private mutating func longVarint() throws(JSONError) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while position < end {
            let byte = position.pointee
            position += 1
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
            if shift == 70 { throw JSONError("a number has more than ten bytes") }
        }
        throw Self.truncated
    }

    @inline(__always) mutating func fixed32() throws(JSONError) -> UInt32 {
        guard end - position >= 4 else { throw Self.truncated }
        defer { position += 4 }
        return UInt32(littleEndian: UnsafeRawPointer(position).loadUnaligned(as: UInt32.self))
    }

    @inline(__always) mutating func fixed64() throws(JSONError) -> UInt64 {
        guard end - position >= 8 else { throw Self.truncated }
        defer { position += 8 }
        return UInt64(littleEndian: UnsafeRawPointer(position).loadUnaligned(as: UInt64.self))
    }

    /// Reads a length, and then as many bytes.
    @inline(__always) mutating func delimited() throws(JSONError) -> WireCursor {
        let length = try varint()
        guard length <= UInt64(end - position) else { throw Self.truncated }
        let start = position
        position += Int(length)
        return WireCursor(start, position)
    }

    /// Skips a value. Groups may be nested up to `depth`.
    mutating func skip(_ tag: UInt32, depth: Int = 100) throws(JSONError) {
        switch tag & 7 {
        case 0: _ = try varint()
        case 1: _ = try fixed64()
        case 2: _ = try delimited()
        case 3: _ = try group(tag >> 3, depth: depth)
        case 5: _ = try fixed32()
        default: throw JSONError("the group \(tag >> 3) ends without having begun")
        }
    }

    /// Reads the bytes up to the end of a group whose beginning was read.
    mutating func group(_ number: UInt32, depth: Int = 100) throws(JSONError) -> WireCursor {
        guard depth > 0 else { throw JSONError("groups are nested too deep") }
        let start = position
        while true {
            let end = position
            let tag = try tag()
            if tag & 7 == 4 {
                guard tag >> 3 == number else { throw JSONError("the group \(number) ends as \(tag >> 3)") }
                return WireCursor(start, end)
            }
            try skip(tag, depth: depth - 1)
        }
    }

    /// Reads the bits of a number with a wire type.
    @inline(__always) mutating func bits(_ type: WireType) throws(JSONError) -> UInt64 {
        switch type {
        case .varint: try varint()
        case .fixed32: UInt64(try fixed32())
        default: try fixed64()
        }
    }
}
