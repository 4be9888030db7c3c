/// The security of a client's connections: encryption, and proof of identity.
public struct ClientTransportSecurity: Sendable {
    let tls: TLS?

    /// Whether connections are encrypted.
    package var isEncrypted: Bool { tls != nil }

    /// No encryption.
    public static let plaintext = Self(tls: nil)

    /// TLS, trusting the system's authorities.
    public static var tls: Self { .tls { _ in } }

    /// TLS: the client verifies the server.
    ///
    /// - Parameter configure: Changes the defaults: above all `trustRoots`, the signers of servers' certificates.
    /// - Returns: The security.
    public static func tls(configure: (_ config: inout TLS) -> Void) -> Self {
        var tls = TLS()
        configure(&tls)
        return Self(tls: tls)
    }

    /// Mutual TLS: each verifies the other.
    ///
    /// - Parameters:
    ///   - certificateChain: The client's certificate, then its chain up to an authority that servers trust.
    ///   - privateKey: The key of the first certificate.
    ///   - configure: Changes the rest: above all `trustRoots`, the signers of servers' certificates.
    /// - Returns: The security.
    public static func mTLS(
        certificateChain: [TLSConfig.CertificateSource],
        privateKey: TLSConfig.PrivateKeySource,
        configure: (_ config: inout TLS) -> Void = { _ in }
    ) -> Self {
        .tls {
            $0.certificateChain = certificateChain
            $0.privateKey = privateKey
            configure(&$0)
        }
    }

    /// TLS with PEM files. A value `nil` stands for the default of ``TLS``. Errors call the options by `names`.
    package static func files(
        ca: String?, certificate: String?, key: String?, serverName: String?, names: TLSOptionNames
    ) -> Self {
        .tls {
            if let ca { $0.trustRoots = .certificates([.file(path: ca, format: .pem)]) }
            if let certificate { $0.certificateChain = [.file(path: certificate, format: .pem)] }
            if let key { $0.privateKey = .file(path: key, format: .pem) }
            $0.serverHostname = serverName
            $0.optionNames = names
        }
    }

    /// How a client uses TLS 1.2 or 1.3.
    ///
    /// When a connection is made, files that have changed are read again; they are checked at most once a second.
    /// A file that cannot be read then is logged, and the last good ones stay.
    public struct TLS: Sendable {
        /// The client's certificate, then its chain up to an authority that servers trust. Default: none.
        public var certificateChain: [TLSConfig.CertificateSource] = []
        /// The key of the first certificate. Default: none.
        public var privateKey: TLSConfig.PrivateKeySource?
        /// How the server's certificate is verified. Default: fully.
        public var serverCertificateVerification = TLSConfig.CertificateVerification.fullVerification
        /// The authorities that may sign the certificates of servers. Default: the system's.
        public var trustRoots = TLSConfig.TrustRootsSource.systemDefault
        /// The name that the server's certificate must have. The client also asks the server for it (SNI). Default:
        /// the host of the authority that the client was given, or else of the address. A certificate that is made out to
        /// the IP address of the connection is good as well, under any name.
        public var serverHostname: String?
        /// The names of these options in errors.
        package var optionNames = TLSOptionNames.transport

        init() {}
    }
}
