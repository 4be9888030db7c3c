/// Writes protobuf's wire format.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func tag(_ number: Int32, _ type: WireType) {
        varint(UInt64(UInt32(bitPattern: number)) << 3 | UInt64(type.rawValue))
    }

    mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    mutating func fixed32(_ value: UInt32) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func fixed64(_ value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    /// Bytes with their length in front.
    mutating func delimited(_ content: some Collection<UInt8>) {
        varint(UInt64(content.count))
        bytes += content
    }

    /// Bytes as they are.
    mutating func raw(_ content: [UInt8]) {
        bytes += content
    }
}
