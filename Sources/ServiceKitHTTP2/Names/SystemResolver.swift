import Glibc
package import NIOCore

/// The system's resolver: the file of hosts, the name servers, and the other sources of its configuration.
package enum SystemResolver {
    /// The addresses of a name, in the order of RFC 6724. Blocks its thread, for many seconds if no name server answers.
    package static func addresses(of name: String) throws(NameLookupError) -> [SocketAddress] {
        var hints = addrinfo()
        // Else each address comes once for each kind of socket.
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, nil, &hints, &first)
        guard code == 0 else {
            let reason = code == EAI_SYSTEM ? String(cString: strerror(errno)) : String(cString: gai_strerror(code))
            throw .failed(name: name, reason: reason)
        }
        defer { freeaddrinfo(first) }
        var addresses: [SocketAddress] = []
        var next = first
        while let info = next?.pointee {
            if let address = Self.address(info, host: name) { addresses.append(address) }
            next = info.ai_next
        }
        guard !addresses.isEmpty else { throw .failed(name: name, reason: "it has no address") }
        return addresses
    }

    private static func address(_ info: addrinfo, host: String) -> SocketAddress? {
        guard let address = UnsafeRawPointer(info.ai_addr) else { return nil }
        return switch info.ai_family {
        case AF_INET: SocketAddress(address.loadUnaligned(as: sockaddr_in.self), host: host)
        case AF_INET6: SocketAddress(address.loadUnaligned(as: sockaddr_in6.self), host: host)
        default: nil
        }
    }
}
