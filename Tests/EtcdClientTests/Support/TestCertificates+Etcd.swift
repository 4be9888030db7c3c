import EtcdClient
import ServiceKitTestSupport
import ServiceKitTesting

extension TestCertificates {
    /// The certificates of etcd itself.
    func tls(_ name: String = "server", requiresClientCertificate: Bool = false) -> EtcdServer.TLS {
        EtcdServer.TLS(
            certificate: path("\(name).pem"),
            key: path("\(name).key"),
            trustedCA: path("authority.pem"),
            requiresClientCertificate: requiresClientCertificate
        )
    }

    /// A client that trusts an authority.
    func trusting(_ authority: String = "authority") -> EtcdConfig.TLS {
        var tls = EtcdConfig.TLS()
        tls.ca = path("\(authority).pem")
        return tls
    }

    /// A client that shows a certificate.
    func mutual(_ name: String) -> EtcdConfig.TLS {
        var tls = trusting()
        tls.certificate = path("\(name).pem")
        tls.key = path("\(name).key")
        return tls
    }
}
