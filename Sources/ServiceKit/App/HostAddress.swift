private import NIOCore

/// What an IP address is good for.
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

    /// Those of this machine, in the order in which the system lists them.
    static func all() throws -> [InterfaceAddress] {
        try System.enumerateDevices().compactMap { device in
            guard let address = device.address?.ipAddress else { return nil }
            return InterfaceAddress(interface: device.name, address: address)
        }
    }
}
