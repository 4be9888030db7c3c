import ServiceKitHTTP2

/// Names of header fields that the transport itself has to do with.
package enum HeaderName {
    static let timeout = "grpc-timeout"
    static let status = "grpc-status"
    static let message = "grpc-message"
    static let acceptEncoding = "grpc-accept-encoding"
    static let binarySuffix = "-bin"

    /// Whether a field belongs to HTTP or to the transport and is no metadata, in either direction.
    package static func isReserved(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
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
