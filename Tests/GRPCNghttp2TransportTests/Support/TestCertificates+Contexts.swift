import NIOCore
import NIOSSL

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

extension TestCertificates {
    /// The TLS of a server that is not an `Nghttp2ServerTransport`.
    func serverContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try NIOSSLCertificate(bytes: server.certificate, format: .pem))],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: server.key, format: .pem))
        )
        configuration.applicationProtocols = ["h2"]
        return try NIOSSLContext(configuration: configuration)
    }

    /// The TLS of a client that is not an `Nghttp2ClientTransport`; it waits up to `shutdownTimeout` for the server's
    /// goodbye.
    func clientContext(shutdownTimeout: TimeAmount) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates([try NIOSSLCertificate(bytes: authority, format: .pem)])
        configuration.applicationProtocols = ["h2"]
        configuration.shutdownTimeout = shutdownTimeout
        return try NIOSSLContext(configuration: configuration)
    }
}
