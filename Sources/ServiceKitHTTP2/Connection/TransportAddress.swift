import NIOCore

/// Where a server listens or a client connects to: a TCP port or a Unix domain socket.
public struct TransportAddress: Sendable, Hashable, CustomStringConvertible {
    private enum Kind: Hashable {
        case ipv4(host: String, port: Int)
        case ipv6(host: String, port: Int)
        case name(host: String, port: Int)
        case unix(path: String)
    }

    private let kind: Kind

    /// A TCP port of an IPv4 address, such as `127.0.0.1`. For a server, port 0 means any that is free.
    public static func ipv4(host: String, port: Int) -> Self {
        Self(kind: .ipv4(host: host, port: port))
    }

    /// A TCP port of an IPv6 address, such as `::1`. For a server, port 0 means any that is free.
    public static func ipv6(host: String, port: Int) -> Self {
        Self(kind: .ipv6(host: host, port: port))
    }

    /// A TCP port of a host that is named, such as `localhost`; it is resolved for each connection.
    public static func dns(host: String, port: Int) -> Self {
        Self(kind: .name(host: host, port: port))
    }

    /// A Unix domain socket.
    public static func unixDomainSocket(path: String) -> Self {
        Self(kind: .unix(path: path))
    }

    /// The host as it was given, or `nil` for a Unix domain socket.
    public var host: String? {
        switch kind {
        case .ipv4(let host, _), .ipv6(let host, _), .name(let host, _): host
        case .unix: nil
        }
    }

    /// The TCP port, or `nil` for a Unix domain socket.
    public var port: Int? {
        switch kind {
        case .ipv4(_, let port), .ipv6(_, let port), .name(_, let port): port
        case .unix: nil
        }
    }

    /// The path of a Unix domain socket, or `nil` for a TCP port.
    public var path: String? {
        if case .unix(let path) = kind { path } else { nil }
    }

    /// The address as gRPC writes it: `ipv4:127.0.0.1:8080`, `ipv6:[::1]:8080`, `dns:localhost:8080` or
    /// `unix:/run/service.sock`.
    public var description: String {
        switch kind {
        case .ipv4(let host, let port): "ipv4:\(host):\(port)"
        case .ipv6(let host, let port): "ipv6:[\(host)]:\(port)"
        case .name(let host, let port): "dns:\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// The `:authority` of a client that is given no other.
    package var authority: String {
        switch kind {
        case .ipv4(let host, let port), .name(let host, let port): "\(host):\(port)"
        case .ipv6(let host, let port): "[\(host)]:\(port)"
        case .unix: "localhost"
        }
    }
}

extension TransportAddress {
    /// An address by its host's form: IPv6, IPv4, or a name.
    package init(host: String, port: Int) {
        let isIPv4 = host.split(separator: ".").count == 4 && host.allSatisfy { $0.isNumber || $0 == "." }
        let name = isIPv4 ? Self.ipv4(host: host, port: port) : .dns(host: host, port: port)
        self = host.contains(":") ? .ipv6(host: host, port: port) : name
    }

    /// The address of a socket, or `nil` if it has none that can be written down.
    init?(_ address: SocketAddress) {
        switch address {
        case .v4:
            guard let host = address.ipAddress, let port = address.port else { return nil }
            self = .ipv4(host: host, port: port)
        case .v6:
            guard let host = address.ipAddress, let port = address.port else { return nil }
            self = .ipv6(host: host, port: port)
        case .unixDomainSocket:
            self = .unixDomainSocket(path: address.pathname ?? "")
        }
    }

    /// Whether the host is an IP address, and no name has to be looked up.
    package var isIPAddress: Bool { ipAddress != nil }

    /// The socket address, where that can be told without looking a name up.
    var ipAddress: SocketAddress? {
        guard let host, let port else { return nil }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        let text = isBracketed ? String(host.dropFirst().dropLast()) : host
        if let address = try? SocketAddress(ipAddress: text, port: port) { return address }
        // An interface is refused where the address is not one of a link, such as ::1%lo, and has no meaning there.
        guard let percent = text.firstIndex(of: "%"), !text.lowercased().hasPrefix("fe") else { return nil }
        return try? SocketAddress(ipAddress: String(text[..<percent]), port: port)
    }

    /// How gRPC describes the socket at one end of a connection.
    static func peerDescription(_ address: SocketAddress) -> String {
        Self(address)?.description ?? "unknown"
    }
}
