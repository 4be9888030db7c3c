private import Glibc

/// The part of a caller's address that counts as the caller.
///
/// An IPv4 address counts without its port, which differs from connection to connection. Of an IPv6 address the first 64 bits
/// count: a network gives each of its hosts, even each home, so many addresses that a caller could take a new one for each call.
/// An IPv4 address that is written as an IPv6 one, `::ffff:10.0.0.1`, counts as the former. Any other address counts as a whole.
struct PeerKey: Hashable {
    private enum Family: Hashable {
        case ipv4, ipv6, text
    }

    private let family: Family
    private let bits: UInt64

    /// - Parameter peer: An address as gRPC writes it: `ipv4:10.0.0.1:5`, `ipv6:[::1]:5`, `unix:/run/a.sock`.
    init(_ peer: String) {
        var peer = peer
        (family, bits) = peer.withUTF8 { bytes in
            if let found = Self.ipv4(bytes) ?? Self.ipv6(bytes) { return found }
            var hasher = Hasher()
            hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
            return (.text, UInt64(truncatingIfNeeded: hasher.finalize()))
        }
    }

    private static func ipv4(_ peer: UnsafeBufferPointer<UInt8>) -> (Family, UInt64)? {
        guard let host = host(of: peer, "ipv4:") else { return nil }
        var address = in_addr()
        guard parse(host, AF_INET, &address) else { return nil }
        return (.ipv4, UInt64(UInt32(bigEndian: address.s_addr)))
    }

    private static func ipv6(_ peer: UnsafeBufferPointer<UInt8>) -> (Family, UInt64)? {
        guard var host = host(of: peer, "ipv6:") else { return nil }
        if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") { host = host.dropFirst().dropLast() }
        // A link-local address ends in its interface: `fe80::1%eth0`.
        if let percent = host.firstIndex(of: UInt8(ascii: "%")) { host = host[..<percent] }
        var address = in6_addr()
        guard parse(host, AF_INET6, &address) else { return nil }
        let (first, second) = withUnsafeBytes(of: address) { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        return first == 0 && second >> 32 == 0xffff ? (.ipv4, second & 0xffff_ffff) : (.ipv6, first)
    }

    /// The part between a prefix and the port.
    private static func host(
        of peer: UnsafeBufferPointer<UInt8>, _ prefix: StaticString
    ) -> Slice<UnsafeBufferPointer<UInt8>>? {
        let count = prefix.utf8CodeUnitCount
        guard peer.count > count,
            peer.prefix(count).elementsEqual(UnsafeBufferPointer(start: prefix.utf8Start, count: count)),
            let colon = peer.lastIndex(of: UInt8(ascii: ":")), colon >= count
        else { return nil }
        return peer[count..<colon]
    }

    /// Reads the text of an address.
    private static func parse<Address>(
        _ host: Slice<UnsafeBufferPointer<UInt8>>, _ family: CInt, _ address: inout Address
    ) -> Bool {
        // The longest is "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".
        guard host.count <= 45 else { return false }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { text in
            text.initialize(repeating: 0)
            for (index, byte) in host.enumerated() { text[index] = CChar(bitPattern: byte) }
            return withUnsafeMutableBytes(of: &address) { address in
                guard let text = text.baseAddress, let address = address.baseAddress else { return false }
                return inet_pton(family, text, address) == 1
            }
        }
    }
}
