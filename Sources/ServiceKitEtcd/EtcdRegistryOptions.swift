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
        var config = try endpointConfig()
        config.credentials = try credentials()
        config.tls = tls
        config.tls.section = "\(Self.path).tls"
        config.dialTimeout = dialTimeout
        config.requestTimeout = requestTimeout
        // A connection has to be back before the leases end.
        config.maxBackoff = min(.seconds(5), ttl / 3)
        return config
    }

    private func endpointConfig() throws(ConfigurationError) -> EtcdConfig {
        do throws(EtcdError) {
            return try EtcdConfig(endpoints: endpoints)
        } catch {
            throw ConfigurationError(message: error.message, keyPath: "endpoints")
        }
    }

    private func credentials() throws(ConfigurationError) -> EtcdConfig.Credentials? {
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
        guard let username, let secret else { return nil }
        return EtcdConfig.Credentials(username: username, password: secret)
    }

    private static func refusal(_ message: String, at key: String) -> ConfigurationError {
        ConfigurationError(message: message, keyPath: "\(path).\(key)")
    }
}

extension EtcdRegistryOptions: Validatable {
    /// Checks that the options fit together.
    ///
    /// - Throws: `ConfigurationError` that names the key.
    public func validate() throws(ConfigurationError) {
        _ = try endpointConfig()
        if let (key, message) = contradiction { throw ConfigurationError(message: message, keyPath: key) }
    }

    private var contradiction: (key: String, message: String)? {
        if endpoints.isEmpty {
            return ("endpoints", "there is no endpoint; write one, as in [http://127.0.0.1:2379]")
        }
        if let namespace, namespace.hasSuffix("/") {
            return ("namespace", "\"\(namespace)\" ends with a slash; leave it out")
        }
        if password != nil, passwordFile != nil {
            return ("password-file", "there is a password and a password-file; leave one of them out")
        }
        let hasPassword = password != nil || passwordFile != nil
        if hasPassword, username == nil { return ("username", "there is a password and no username") }
        if username != nil, !hasPassword {
            return (
                "password", "there is a username and no password; set password-file, or KIT_REGISTRY__ETCD__PASSWORD"
            )
        }
        if (tls.certificate == nil) != (tls.key == nil) {
            return (tls.key == nil ? "tls.key" : "tls.certificate", "certificate and key are needed both, or neither")
        }
        if tls != EtcdConfig.TLS(), !endpoints.contains(where: { $0.hasPrefix("https://") }) {
            return ("tls", "there are certificates, but no endpoint begins with https://")
        }
        return nil
    }
}

extension EtcdRegistryOptions {
    /// What each option means.
    public static let help = [
        "endpoints": "the members' addresses; `https` for TLS",
        "namespace": "the start of every key, before the service's name",
        "ttl": "how long an instance stays when its process dies or cannot reach etcd",
        "layout": "the form of keys and values: `kratos`, `grpc-naming` or `host-port`",
        "username": "the user, if etcd asks for one",
        "password": "the user's password; better in `KIT_REGISTRY__ETCD__PASSWORD` or a file",
        "password-file": "a file with the password in its first line",
        "dial-timeout": "how long an attempt to connect may take",
        "request-timeout": "how long a request may take, repetitions included",
    ]
}

extension EtcdConfig.TLS {
    /// What each option means.
    public static let help = [
        "ca": "a PEM file with the authorities that may sign the members' certificates",
        "certificate": "a PEM file with the client's certificate",
        "key": "a PEM file with the certificate's key",
        "server-name": "the name that the members' certificates must have",
    ]
}
