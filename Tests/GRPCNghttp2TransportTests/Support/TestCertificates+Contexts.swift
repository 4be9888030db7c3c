import NIOCore
import NIOSSL

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

extension TestCertificates {
    /// How a server is set up that is no `Nghttp2ServerTransport`.
    func serverContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try NIOSSLCertificate(bytes: self.server.certificate, format: .pem))],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: self.server.key, format: .pem))
        )
        configuration.applicationProtocols = ["h2"]
        return try NIOSSLContext(configuration: configuration)
    }

    /// How a client is set up that is no `Nghttp2ClientTransport`; it waits for `shutdownTimeout` for the server to say
    /// goodbye.
    func clientContext(shutdownTimeout: TimeAmount) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates([try NIOSSLCertificate(bytes: self.authority, format: .pem)])
        configuration.applicationProtocols = ["h2"]
        configuration.shutdownTimeout = shutdownTimeout
        return try NIOSSLContext(configuration: configuration)
    }
}
