/// Names of header fields that the transport itself has to do with.
enum HeaderName {
    static let timeout = "grpc-timeout"
    static let status = "grpc-status"
    static let message = "grpc-message"
    static let acceptEncoding = "grpc-accept-encoding"
    static let binarySuffix = "-bin"

    /// Whether a field belongs to HTTP or to the transport and is no metadata, in either direction.
    static func isReserved(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = name.first, first != UInt8(ascii: ":") else { return true }
        // By length, so that most names are told apart without being read.
        switch name.count {
        case 2: return name.equals("te")
        case 4: return name.equals("host")
        case 7: return name.equals("trailer") || name.equals("upgrade")
        case 10: return name.equals("connection") || name.equals("keep-alive")
        case 11: return name.equals("grpc-status")
        case 12: return name.equals("content-type") || name.equals("grpc-message")
        case 13: return name.equals("grpc-encoding")
        case 14: return name.equals("content-length")
        case 16: return name.equals("proxy-connection")
        case 17: return name.equals("transfer-encoding")
        case 20: return name.equals("grpc-accept-encoding")
        default: return false
        }
    }

    /// Whether a metadata key can be sent: lower-case letters, digits, `_`, `-` and `.`, at least one of them.
    static func isValid(_ name: some Collection<UInt8>) -> Bool {
        !name.isEmpty
            && name.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default:
                    false
                }
            }
    }
}

extension UnsafeBufferPointer<UInt8> {
    func equals(_ string: StaticString) -> Bool {
        guard self.count == string.utf8CodeUnitCount else { return false }
        for index in 0..<self.count where self[index] != string.utf8Start[index] { return false }
        return true
    }

    /// Compares with a string in lower case.
    func equalsIgnoringCase(_ string: StaticString) -> Bool {
        guard self.count == string.utf8CodeUnitCount else { return false }
        for index in 0..<self.count {
            let byte = self[index]
            let isUpperCase = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            guard (isUpperCase ? byte | 0x20 : byte) == string.utf8Start[index] else { return false }
        }
        return true
    }

    /// The number that the bytes are in decimal, up to nine digits; `nil` if they are none.
    var decimal: Int? {
        guard (1...9).contains(self.count) else { return nil }
        var number = 0
        for byte in self {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }

    func hasPrefix(_ string: StaticString) -> Bool {
        self.starts(with: UnsafeBufferPointer(start: string.utf8Start, count: string.utf8CodeUnitCount))
    }

    func hasSuffix(_ string: StaticString) -> Bool {
        self.count >= string.utf8CodeUnitCount
            && UnsafeBufferPointer(rebasing: self.suffix(string.utf8CodeUnitCount)).equals(string)
    }
}
