/// Base64 as gRPC metadata uses it: the standard alphabet of RFC 4648, section 4; padding is never written and may be
/// missing where it is read.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    static func encode(_ bytes: [UInt8]) -> String {
        let length = (bytes.count * 4 + 2) / 3
        return String(unsafeUninitializedCapacity: length) { output in
            var count = 0
            var bits: UInt32 = 0
            var bitCount = 0
            for byte in bytes {
                bits = bits << 8 | UInt32(byte)
                bitCount += 8
                while bitCount >= 6 {
                    bitCount -= 6
                    output[count] = Self.alphabet[Int(bits >> UInt32(bitCount) & 0x3f)]
                    count += 1
                }
            }
            if bitCount > 0 {
                output[count] = Self.alphabet[Int(bits << UInt32(6 - bitCount) & 0x3f)]
                count += 1
            }
            return count
        }
    }

    /// Returns `nil` if `text` is not base64.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var length = text.count
        // Padding counts only where it completes a group of four.
        if length.isMultiple(of: 4), length > 0 {
            length -= text.suffix(2).reversed().prefix { $0 == Self.padding }.count
        }
        guard length % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length * 3 / 4)
        var bits: UInt32 = 0
        var bitCount = 0
        for character in text.prefix(length) {
            guard let value = Self.value(of: character) else { return nil }
            bits = bits << 6 | value
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
            }
        }
        return bytes
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
