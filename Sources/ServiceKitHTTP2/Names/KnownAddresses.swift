import NIOCore
import NIOPosix

/// Addresses that are known already, for a bootstrap to try them as RFC 8305 says ("Happy Eyeballs").
struct KnownAddresses: Resolver, Sendable {
    private let ipv4: EventLoopFuture<[SocketAddress]>
    private let ipv6: EventLoopFuture<[SocketAddress]>

    /// - Parameters:
    ///   - addresses: The addresses, in the order in which to try them.
    ///   - port: The port to connect to.
    ///   - loop: The bootstrap's.
    init(_ addresses: [SocketAddress], port: Int, on loop: any EventLoop) {
        let addresses = addresses.map { address in
            var address = address
            address.port = port
            return address
        }
        ipv4 = loop.makeSucceededFuture(addresses.filter { $0.protocol == .inet })
        ipv6 = loop.makeSucceededFuture(addresses.filter { $0.protocol == .inet6 })
    }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { ipv4 }

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { ipv6 }

    func cancelQueries() {}
}
