internal import FoundationEssentials
internal import GRPCNghttp2Transport
public import ServiceKitConfig

/// The section `server.grpc.tls`: the server speaks TLS when it has a certificate. Files that change are read again.
struct ServerTLSOptions: ConfigurationSection, Hashable {
    /// A PEM file with the server's certificate, followed by its chain up to an authority that clients trust.
    var certificate: String?
    /// A PEM file with the key of the server's certificate.
    var key: String?
    /// A PEM file with the authorities that may sign clients' certificates. With it, a client without such a certificate is
    /// refused: mutual TLS.
    var clientCA: String?
}

/// The section `client.tls`: for instances whose endpoint is `grpcs`. Files that change are read again.
///
/// When anything is set here, no instance is spoken to in clear text.
public struct ClientTLSOptions: ConfigurationSection, Hashable {
    /// A PEM file with the authorities that may sign the servers' certificates; by default the system's.
    public var ca: String?
    /// A PEM file with the client's certificate, if the servers ask for one.
    public var certificate: String?
    /// A PEM file with the key of the client's certificate.
    public var key: String?
    /// The name that the servers' certificates are made out to, if it is not the address that they register.
    public var serverName: String?

    /// The defaults.
    public init() {}
}

extension ServerTLSOptions {
    private static let path = "server.grpc.tls"

    /// The transport's form. Throws `ConfigurationError` that names the key of a file that cannot be read.
    func security() throws(ConfigurationError) -> Nghttp2ServerTransport.TransportSecurity {
        for (name, file) in [("certificate", certificate), ("key", key), ("client-ca", clientCA)] {
            try checkReadable(file, "\(Self.path).\(name)")
        }
        guard let certificate, let key else { return .plaintext }
        let (chain, privateKey) = (
            [TLSConfig.CertificateSource.file(path: certificate, format: .pem)],
            TLSConfig.PrivateKeySource.file(path: key, format: .pem)
        )
        let names = TLSOptionNames(section: Self.path, trustRoots: "client-ca")
        guard let clientCA else {
            return .tls(certificateChain: chain, privateKey: privateKey) { $0.optionNames = names }
        }
        return .mTLS(certificateChain: chain, privateKey: privateKey) {
            $0.trustRoots = .certificates([.file(path: clientCA, format: .pem)])
            $0.optionNames = names
        }
    }
}

extension ServerTLSOptions: Validatable {
    func validate() throws(ConfigurationError) {
        if self == ServerTLSOptions() || certificate != nil && key != nil { return }
        throw ConfigurationError(
            message: "TLS needs a certificate and its key",
            keyPath: certificate == nil ? "certificate" : "key"
        )
    }
}

extension ClientTLSOptions: Validatable {
    /// Checks that a certificate has its key, and that the servers' name is a name.
    ///
    /// - Throws: `ConfigurationError` that names the key.
    public func validate() throws(ConfigurationError) {
        guard (certificate == nil) == (key == nil) else {
            throw ConfigurationError(
                message: "certificate and key are needed both, or neither",
                keyPath: key == nil ? "key" : "certificate"
            )
        }
        if let serverName, TransportAddress(host: serverName, port: 0).isIPAddress {
            throw ConfigurationError(
                message: "\"\(serverName)\" is an address, and TLS verifies the address that it connects to; "
                    + "write a name of the servers' certificates, or leave it out",
                keyPath: "server-name"
            )
        }
    }
}

extension ClientTLSOptions {
    private static let path = "client.tls"

    /// The transport's form. Throws `ConfigurationError` that names the key of a file that cannot be read.
    func security() throws(ConfigurationError) -> ClientTransportSecurity {
        for (name, file) in [("ca", ca), ("certificate", certificate), ("key", key)] {
            try checkReadable(file, "\(Self.path).\(name)")
        }
        let names = TLSOptionNames(section: Self.path)
        return .files(ca: ca, certificate: certificate, key: key, serverName: serverName, names: names)
    }
}

/// Finds an unreadable file at the start and names its key; otherwise the first connection would fail.
private func checkReadable(_ file: String?, _ keyPath: String) throws(ConfigurationError) {
    guard let file else { return }
    let reason =
        if !FileManager.default.fileExists(atPath: file) {
            "there is no such file"
        } else if !FileManager.default.isReadableFile(atPath: file) {
            "this user may not read it"
        } else if (try? FileManager.default.contentsOfDirectory(atPath: file)) != nil {
            "it is a directory"
        } else {
            String?.none
        }
    if let reason { throw ConfigurationError(message: "\(file) cannot be read: \(reason)", keyPath: keyPath) }
}

extension ServerTLSOptions {
    static let help = [
        "certificate": "a PEM file; with it and its key the server speaks TLS",
        "key": "a PEM file with the certificate's key",
        "client-ca":
            "a PEM file with the authorities that may sign clients' certificates; with it, clients must have "
            + "a certificate",
    ]
}

extension ClientTLSOptions {
    /// The meaning of each option.
    public static let help = [
        "ca": "a PEM file with the authorities that may sign the servers' certificates",
        "certificate": "a PEM file with the client's certificate",
        "key": "a PEM file with the certificate's key",
        "server-name": "the name that the servers' certificates must have",
    ]
}
