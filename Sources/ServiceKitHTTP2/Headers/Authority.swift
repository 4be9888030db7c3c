/// `:authority` as a URI has it (RFC 3986, section 3.2).
package enum Authority {
    private static let percent = UInt8(ascii: "%")
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Writes bytes that a URI does not allow there as `%XX`: strict peers refuse them. The path of a Unix domain socket has
    /// some.
    package static func encode(_ authority: String) -> String {
        guard !authority.utf8.allSatisfy(Self.isAllowed) else { return authority }
        var bytes: [UInt8] = []
        for byte in authority.utf8 {
            if Self.isAllowed(byte) {
                bytes.append(byte)
            } else {
                bytes += [Self.percent, Self.digits[Int(byte >> 4)], Self.digits[Int(byte & 0xf)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            "-._~!$&'()*+,;=:@[]%".utf8.contains(byte)
        }
    }
}
