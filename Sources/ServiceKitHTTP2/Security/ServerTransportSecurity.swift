/// The security of a server's connections: encryption, and proof of identity.
public struct ServerTransportSecurity: Sendable {
    let tls: TLS?

    /// No encryption.
    public static let plaintext = Self(tls: nil)

    /// TLS: clients verify the server.
    ///
    /// - Parameters:
    ///   - certificateChain: The server's certificate, then its chain up to an authority that clients trust.
    ///   - privateKey: The key of the first certificate.
    ///   - configure: Changes the rest.
    /// - Returns: The security.
    public static func tls(
        certificateChain: [TLSConfig.CertificateSource],
        privateKey: TLSConfig.PrivateKeySource,
        configure: (_ config: inout TLS) -> Void = { _ in }
    ) -> Self {
        var tls = TLS(certificateChain: certificateChain, privateKey: privateKey)
        configure(&tls)
        return Self(tls: tls)
    }

    /// Mutual TLS: the server verifies its clients, too, and takes none without a certificate.
    ///
    /// - Parameters:
    ///   - certificateChain: The server's certificate, then its chain up to an authority that clients trust.
    ///   - privateKey: The key of the first certificate.
    ///   - configure: Changes the rest: above all `trustRoots`, the signers of clients' certificates.
    /// - Returns: The security.
    public static func mTLS(
        certificateChain: [TLSConfig.CertificateSource],
        privateKey: TLSConfig.PrivateKeySource,
        configure: (_ config: inout TLS) -> Void = { _ in }
    ) -> Self {
        .tls(certificateChain: certificateChain, privateKey: privateKey) {
            $0.clientCertificateVerification = .noHostnameVerification
            configure(&$0)
        }
    }

    /// How a server uses TLS 1.2 or 1.3.
    ///
    /// When a connection arrives, files that have changed are read again, and the connection gets the new ones; they are
    /// checked at most once a second. A file that cannot be read is logged, and the last good ones stay.
    public struct TLS: Sendable {
        /// The server's certificate, then its chain up to an authority that clients trust.
        public var certificateChain: [TLSConfig.CertificateSource]
        /// The key of the first certificate.
        public var privateKey: TLSConfig.PrivateKeySource
        /// How the certificates of clients are verified. A server cannot tell a client's host name: the full
        /// verification is the one without it.
        public var clientCertificateVerification = TLSConfig.CertificateVerification.noVerification
        /// The authorities that may sign certificates of clients. Default: the system's.
        public var trustRoots = TLSConfig.TrustRootsSource.systemDefault
        /// Whether clients have to agree on HTTP/2 while they connect (ALPN), as gRPC demands. Default: `true`.
        public var requireALPN = true
        /// The names of these options in errors.
        package var optionNames = TLSOptionNames.transport

        init(certificateChain: [TLSConfig.CertificateSource], privateKey: TLSConfig.PrivateKeySource) {
            self.certificateChain = certificateChain
            self.privateKey = privateKey
        }
    }
}
