private import Glibc
private import ServiceKitConfig

/// A network: `10.0.0.0/8`, `fd00::/8`.
struct CIDR: Hashable, CustomStringConvertible {
    let description: String
    private let network: [UInt8]
    private let prefixLength: Int

    /// Reads the usual notation; an address without a length is a network of one.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let network = Self.bytes(ofAddress: String(parts[0])) else { return nil }
        var prefixLength = network.count * 8
        if parts.count == 2 {
            guard let length = Int(digits: parts[1]), (0...prefixLength).contains(length) else { return nil }
            prefixLength = length
        }
        self.description = text
        self.network = network
        self.prefixLength = prefixLength
    }

    /// Whether an address is of this network.
    func contains(_ address: String) -> Bool {
        guard let bytes = Self.bytes(ofAddress: address), bytes.count == network.count else { return false }
        for bit in 0..<prefixLength {
            let mask = UInt8(0x80) >> (bit % 8)
            if bytes[bit / 8] & mask != network[bit / 8] & mask { return false }
        }
        return true
    }

    /// The 4 or 16 bytes of an address.
    private static func bytes(ofAddress address: String) -> [UInt8]? {
        var ipv4 = in_addr()
        if inet_pton(AF_INET, address, &ipv4) == 1 { return withUnsafeBytes(of: ipv4, Array.init) }
        var ipv6 = in6_addr()
        if inet_pton(AF_INET6, address, &ipv6) == 1 { return withUnsafeBytes(of: ipv6, Array.init) }
        return nil
    }
}

extension CIDR: Codable {
    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let network = CIDR(text) else {
            throw ConfigurationError(message: "\"\(text)\" is no network; write one as in 10.0.0.0/8 or fd00::/8")
        }
        self = network
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Int {
    /// Reads decimal digits and nothing else, where `Int.init` takes a sign.
    init?(digits text: some StringProtocol) {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        self.init(String(text))
    }
}
