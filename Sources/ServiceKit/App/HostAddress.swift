private import Glibc

/// The purposes that an IP address serves.
enum HostAddress {
    /// Whether it is an IP address, and not a name.
    static func isIPAddress(_ host: String) -> Bool {
        CIDR(host) != nil && !host.contains("/")
    }

    /// Whether a listener on it listens on every interface.
    static func isWildcard(_ host: String) -> Bool {
        wildcard.contains { $0.contains(host) }
    }

    /// Whether it is reached from this machine only.
    static func isLoopback(_ host: String) -> Bool {
        host.lowercased() == "localhost" || loopback.contains { $0.contains(host) }
    }

    /// Whether others of the network can be given it: neither loopback nor link-local.
    static func isRoutable(_ host: String) -> Bool {
        !isWildcard(host) && !isLoopback(host) && !linkLocal.contains { $0.contains(host) }
    }

    private static let wildcard = [network("0.0.0.0/32"), network("::/128")]
    private static let loopback = [network("127.0.0.0/8"), network("::1/128")]
    private static let linkLocal = [network("169.254.0.0/16"), network("fe80::/10")]

    private static func network(_ text: String) -> CIDR {
        guard let network = CIDR(text) else { preconditionFailure("\(text) is a network") }
        return network
    }
}

/// An address of one of this machine's network interfaces.
struct InterfaceAddress: Hashable, CustomStringConvertible {
    let interface: String
    let address: String

    var description: String { "\(address) (\(interface))" }

    /// The addresses of this machine, in the order in which the system lists them. Throws `AppError` when the system
    /// cannot list them.
    static func all() throws(AppError) -> [InterfaceAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else {
            throw AppError("cannot list this machine's network interfaces: \(String(cString: strerror(errno)))")
        }
        defer { freeifaddrs(first) }
        return sequence(first: first) { $0?.pointee.ifa_next }.prefix { $0 != nil }.compactMap { entry in
            guard let entry = entry?.pointee, let address = entry.ifa_addr.flatMap(text) else { return nil }
            return InterfaceAddress(interface: String(cString: entry.ifa_name), address: address)
        }
    }

    /// An IPv4 or IPv6 address in its usual form, without an interface; `nil` for other families.
    private static func text(_ address: UnsafeMutablePointer<sockaddr>) -> String? {
        let size: Int
        switch CInt(address.pointee.sa_family) {
        case AF_INET: size = MemoryLayout<sockaddr_in>.size
        case AF_INET6: size = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let result = getnameinfo(address, socklen_t(size), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        // A link-local address ends in its interface: `fe80::1%eth0`.
        let end: Set = [0, CChar(UInt8(ascii: "%"))]
        return result == 0 ? String(decoding: text.prefix { !end.contains($0) }.map(UInt8.init), as: UTF8.self) : nil
    }
}
