/// Writes protobuf's wire format.
package struct WireWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func tag(_ number: Int32, _ type: WireType) {
        varint(UInt64(UInt32(bitPattern: number)) << 3 | UInt64(type.rawValue))
    }

    package mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    /// Writes a number of 4 or 8 bytes.
    package mutating func fixed(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }

    /// Writes bytes after their length.
    package mutating func delimited(_ content: some Collection<UInt8>) {
        varint(UInt64(content.count))
        bytes += content
    }

    /// Writes bytes unchanged.
    package mutating func raw(_ content: [UInt8]) {
        bytes += content
    }
}
