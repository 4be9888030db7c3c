/// The encoding of `grpc-message`: UTF-8 in which bytes outside of printable ASCII, and `%`, are written as `%XX`; a
/// space at either end too, since HTTP/2 forbids it there and strict peers refuse it
/// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Percent-Encoded").
package enum StatusMessage {
    private static let percent = UInt8(ascii: "%")
    private static let digits = Array("0123456789ABCDEF".utf8)

    package static func encode(_ message: String) -> String {
        let space = UInt8(ascii: " ")
        let hasOuterSpace = message.utf8.first == space || message.utf8.last == space
        guard hasOuterSpace || message.utf8.contains(where: Self.needsEncoding) else { return message }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(message.utf8.count * 2)
        let end = message.utf8.count - 1
        for (index, byte) in message.utf8.enumerated() {
            if Self.needsEncoding(byte) || byte == space && (index == 0 || index == end) {
                bytes.append(Self.percent)
                bytes.append(Self.digits[Int(byte >> 4)])
                bytes.append(Self.digits[Int(byte & 0xf)])
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Decodes as far as possible: a `%` without two digits behind it stands for itself, invalid UTF-8 is repaired.
    static func decode(_ text: UnsafeBufferPointer<UInt8>) -> String {
        guard text.contains(Self.percent) else { return String(decoding: text, as: UTF8.self) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            if text[index] == Self.percent, index + 2 < text.count,
                let high = Self.value(of: text[index + 1]), let low = Self.value(of: text[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(text[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func needsEncoding(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte > 0x7e || byte == Self.percent
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
