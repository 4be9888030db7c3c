extension Nghttp2ServerTransport {
    /// Whether connections are encrypted, and who their ends are.
    public struct TransportSecurity: Sendable {
        let tls: TLS?

        /// No encryption.
        public static let plaintext = Self(tls: nil)

        /// TLS.
        public static func tls(_ tls: TLS) -> Self { Self(tls: tls) }

        /// TLS: clients verify the server.
        ///
        /// - Parameters:
        ///   - certificateChain: The server's certificate, then those that lead to one that clients trust.
        ///   - privateKey: The key of the first certificate.
        ///   - configure: Changes the rest.
        /// - Returns: The security.
        public static func tls(
            certificateChain: [TLSConfig.CertificateSource],
            privateKey: TLSConfig.PrivateKeySource,
            configure: (_ config: inout TLS) -> Void = { _ in }
        ) -> Self {
            var tls = TLS(
                certificateChain: certificateChain, privateKey: privateKey,
                clientCertificateVerification: .noVerification
            )
            configure(&tls)
            return Self(tls: tls)
        }

        /// Mutual TLS: the server verifies its clients, too, and takes none without a certificate.
        ///
        /// - Parameters:
        ///   - certificateChain: The server's certificate, then those that lead to one that clients trust.
        ///   - privateKey: The key of the first certificate.
        ///   - configure: Changes the rest: above all `trustRoots`, who signs the certificates of clients.
        /// - Returns: The security.
        public static func mTLS(
            certificateChain: [TLSConfig.CertificateSource],
            privateKey: TLSConfig.PrivateKeySource,
            configure: (_ config: inout TLS) -> Void = { _ in }
        ) -> Self {
            var tls = TLS(
                certificateChain: certificateChain, privateKey: privateKey,
                clientCertificateVerification: .noHostnameVerification
            )
            configure(&tls)
            return Self(tls: tls)
        }

        /// How a server uses TLS 1.2 or 1.3.
        ///
        /// Files are looked at again, at most once a second, when a connection comes: those that have changed are read,
        /// and the connection gets the new ones. What cannot be read then is logged, and the last good ones stay.
        public struct TLS: Sendable {
            /// The server's certificate, then those that lead to one that clients trust.
            public var certificateChain: [TLSConfig.CertificateSource]
            /// The key of the first certificate.
            public var privateKey: TLSConfig.PrivateKeySource
            /// How the certificates of clients are verified. A server cannot tell a client's host name: the full
            /// verification is the one without it.
            public var clientCertificateVerification: TLSConfig.CertificateVerification
            /// The authorities that may sign certificates of clients. Default: the system's.
            public var trustRoots = TLSConfig.TrustRootsSource.systemDefault
            /// Whether clients have to agree on HTTP/2 while they connect (ALPN), as gRPC demands. Default: `true`.
            public var requireALPN = true
            /// The names of these options in errors.
            package var optionNames = TLSOptionNames.transport

            init(
                certificateChain: [TLSConfig.CertificateSource],
                privateKey: TLSConfig.PrivateKeySource,
                clientCertificateVerification: TLSConfig.CertificateVerification
            ) {
                self.certificateChain = certificateChain
                self.privateKey = privateKey
                self.clientCertificateVerification = clientCertificateVerification
            }
        }
    }
}
