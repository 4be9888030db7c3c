import Logging
import NIOCore
import NIOSSL

/// TLS as the connections of one client use it.
final class ClientTLS: Sendable {
    private let contexts: TLSContextSource
    /// The name to ask for and to verify; `nil` for an address, which is verified as such.
    private let hostname: String?
    /// The expectations of the server, for errors.
    let expectation: TLSExpectation

    init(_ tls: ClientTransportSecurity.TLS, authority: String, logger: Logger) {
        contexts = TLSContextSource(tls, logger: logger)
        let hostname = tls.serverHostname ?? Self.host(of: authority)
        self.hostname = (try? SocketAddress(ipAddress: hostname, port: 0)) == nil ? hostname : nil
        expectation = TLSExpectation(
            hostname: self.hostname, trusted: tls.trustRoots.summary, optionNames: tls.optionNames
        )
    }

    /// The certificates and keys for a connection. Fails with ``TLSConfigError`` if they cannot be used.
    func context(on loop: any EventLoop) -> EventLoopFuture<NIOSSLContext> {
        contexts.context(on: loop)
    }

    func makeHandler(_ context: NIOSSLContext) throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: hostname)
    }

    /// `example.com` of `example.com:443`, `::1` of `[::1]:443`.
    private static func host(of authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return String(authority[authority.index(after: authority.startIndex)..<end])
        }
        guard let colon = authority.lastIndex(of: ":") else { return authority }
        return String(authority[..<colon])
    }
}
