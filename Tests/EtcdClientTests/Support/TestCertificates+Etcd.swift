import GRPCNghttp2Transport
import ServiceKitTesting

extension TestCertificates {
    /// What etcd serves TLS with.
    func tls(_ name: String = "server", requiresClientCertificate: Bool = false) -> EtcdServer.TLS {
        EtcdServer.TLS(
            certificate: path("\(name).pem"),
            key: path("\(name).key"),
            trustedCA: path("authority.pem"),
            requiresClientCertificate: requiresClientCertificate
        )
    }

    /// Trusts what an authority has signed.
    func roots(_ authority: String = "authority") -> TLSConfig.TrustRootsSource {
        .certificates([.file(path: path("\(authority).pem"), format: .pem)])
    }

    /// A client that shows a certificate.
    func mutual(_ name: String) -> Nghttp2ClientTransport.TransportSecurity {
        .mTLS(
            certificateChain: [.file(path: path("\(name).pem"), format: .pem)],
            privateKey: .file(path: path("\(name).key"), format: .pem)
        ) { $0.trustRoots = roots() }
    }
}
