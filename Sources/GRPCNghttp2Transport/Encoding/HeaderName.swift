/// Names of header fields that the transport itself has to do with.
enum HeaderName {
    static let timeout = "grpc-timeout"
    static let status = "grpc-status"
    static let message = "grpc-message"
    static let acceptEncoding = "grpc-accept-encoding"
    static let binarySuffix = "-bin"

    private static let reserved: [Set<[UInt8]>] = {
        // By length, so that most names are told apart without being hashed.
        var byLength: [Set<[UInt8]>] = []
        for name in [
            "te", "host", "trailer", "upgrade", "connection", "keep-alive", "content-type", "content-length",
            "proxy-connection", "transfer-encoding", "grpc-status", "grpc-message", "grpc-encoding",
            "grpc-accept-encoding",
        ] {
            while byLength.count <= name.utf8.count { byLength.append([]) }
            byLength[name.utf8.count].insert(Array(name.utf8))
        }
        return byLength
    }()

    /// Whether a field belongs to HTTP or to the transport and is no metadata, in either direction.
    static func isReserved(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = name.first, first != UInt8(ascii: ":") else { return true }
        guard name.count < Self.reserved.count, !Self.reserved[name.count].isEmpty else { return false }
        return Self.reserved[name.count].contains { $0.elementsEqual(name) }
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
        self.count == string.utf8CodeUnitCount
            && self.elementsEqual(UnsafeBufferPointer(start: string.utf8Start, count: string.utf8CodeUnitCount))
    }

    func hasPrefix(_ string: StaticString) -> Bool {
        self.starts(with: UnsafeBufferPointer(start: string.utf8Start, count: string.utf8CodeUnitCount))
    }

    func hasSuffix(_ string: StaticString) -> Bool {
        self.count >= string.utf8CodeUnitCount
            && UnsafeBufferPointer(rebasing: self.suffix(string.utf8CodeUnitCount)).equals(string)
    }
}
