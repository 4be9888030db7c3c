public import EtcdClient
internal import FoundationEssentials
public import ServiceKitConfig

/// The section `registry.etcd`.
public struct EtcdRegistryOptions: ConfigurationSection, Hashable {
    /// The members' addresses; `http://127.0.0.1:2379` by default. Another one is used when one fails.
    public var endpoints = ["http://127.0.0.1:2379"]
    /// The start of every key, before the service's name; by default the layout's: `/microservices` for `kratos`.
    public var namespace: String?
    /// How long an instance stays registered when its process dies or cannot reach etcd; 15 s by default.
    public var ttl = Duration.seconds(15)
    /// How instances are written; `kratos` by default.
    public var layout = EtcdLayout.kratos
    /// The user, if etcd asks for one.
    public var username: String?
    /// The user's password. Better given by the environment (`KIT_REGISTRY__ETCD__PASSWORD`), or in a file.
    public var password: String?
    /// A file with the user's password in its first line.
    public var passwordFile: String?
    /// The section `registry.etcd.tls`: certificates for `https` endpoints.
    public var tls = EtcdConfig.TLS()
    /// How long an attempt to connect may take; 5 s by default.
    public var dialTimeout = Duration.seconds(5)
    /// How long a request may take with all its repetitions; 5 s by default.
    public var requestTimeout = Duration.seconds(5)

    /// The defaults.
    public init() {}

    /// The ranges of the section's values.
    public static let ranges: [OptionRange<EtcdRegistryOptions>] = [
        OptionRange("ttl", \.ttl, .seconds(2)...(.seconds(3600))),
        OptionRange("dial-timeout", \.dialTimeout, .milliseconds(1)...(.seconds(3600))),
        OptionRange("request-timeout", \.requestTimeout, .milliseconds(1)...(.seconds(3600))),
    ]
}

extension EtcdConfig.TLS: ConfigurationSection {}

extension EtcdRegistryOptions {
    private static let path = "registry.etcd"

    /// How the client reaches etcd. Throws `ConfigurationError` that names the key.
    func clientConfig() throws(ConfigurationError) -> EtcdConfig {
        var config: EtcdConfig
        do throws(EtcdError) {
            config = try EtcdConfig(endpoints: endpoints)
        } catch {
            throw Self.refusal(error.message, at: "endpoints")
        }
        if endpoints.isEmpty {
            throw Self.refusal("there is no endpoint; write one, as in [http://127.0.0.1:2379]", at: "endpoints")
        }
        if let namespace, namespace.hasSuffix("/") {
            throw Self.refusal("\"\(namespace)\" ends with a slash; leave it out", at: "namespace")
        }
        config.credentials = try credentials()
        config.tls = try clientTLS()
        config.dialTimeout = dialTimeout
        config.requestTimeout = requestTimeout
        // A connection has to be back before the leases end.
        config.maxBackoff = min(.seconds(5), ttl / 3)
        return config
    }

    private func credentials() throws(ConfigurationError) -> EtcdConfig.Credentials? {
        if password != nil, passwordFile != nil {
            throw Self.refusal("there is a password and a password-file; leave one of them out", at: "password-file")
        }
        var secret = password
        if let passwordFile {
            guard let data = FileManager.default.contents(atPath: passwordFile) else {
                throw Self.refusal("\(passwordFile) cannot be read", at: "password-file")
            }
            // An editor may begin a file with a byte order mark.
            let mark = Data("\u{FEFF}".utf8)
            let text = String(validating: data.starts(with: mark) ? data.dropFirst(mark.count) : data, as: UTF8.self)
            guard let line = text?.prefix(while: { !$0.isNewline }), !line.contains("\0") else {
                throw Self.refusal("\(passwordFile) is not text in UTF-8; save it as UTF-8", at: "password-file")
            }
            secret = String(line)
        }
        switch (username, secret) {
        case (nil, nil): return nil
        case (let username?, let secret?): return EtcdConfig.Credentials(username: username, password: secret)
        case (nil, _): throw Self.refusal("there is a password and no username", at: "username")
        case (_, nil):
            throw Self.refusal(
                "there is a username and no password; set password-file, or KIT_REGISTRY__ETCD__PASSWORD",
                at: "password")
        }
    }

    private static func refusal(_ message: String, at key: String) -> ConfigurationError {
        ConfigurationError(message: message, keyPath: "\(path).\(key)")
    }

    private func clientTLS() throws(ConfigurationError) -> EtcdConfig.TLS {
        guard (tls.certificate == nil) == (tls.key == nil) else {
            let key = tls.key == nil ? "tls.key" : "tls.certificate"
            throw Self.refusal("certificate and key are needed both, or neither", at: key)
        }
        if tls != EtcdConfig.TLS(), !endpoints.contains(where: { $0.hasPrefix("https://") }) {
            throw Self.refusal("there are certificates, but no endpoint begins with https://", at: "tls")
        }
        var tls = tls
        tls.section = "\(Self.path).tls"
        return tls
    }
}
