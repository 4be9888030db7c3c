public import EtcdClient
public import ServiceKitConfig

/// How etcd is reached: the options of `registry.etcd` that are no matter of the registry, and of `config.etcd.connection`.
public struct EtcdConnectionOptions: ConfigurationSection, Hashable {
    /// The members' addresses; `http://127.0.0.1:2379` by default. Another one is used when one fails.
    public var endpoints = ["http://127.0.0.1:2379"]
    /// The user, if etcd asks for one.
    public var username: String?
    /// The user's password. Better given by the environment, or in a file.
    public var password: Secret<String>?
    /// A file with the user's password in its first line.
    public var passwordFile: String?
    /// The section `tls`: certificates for `https` endpoints.
    public var tls = EtcdConfig.TLS()
    /// How long an attempt to connect may take; 5 s by default.
    public var dialTimeout = Duration.seconds(5)
    /// How long a request may take with all its repetitions; 5 s by default.
    public var requestTimeout = Duration.seconds(5)

    /// The defaults.
    public init() {}

    /// The ranges of the section's values.
    public static let ranges: [OptionRange<EtcdConnectionOptions>] = [
        OptionRange("dial-timeout", \.dialTimeout, .milliseconds(1)...(.seconds(3600))),
        OptionRange("request-timeout", \.requestTimeout, .milliseconds(1)...(.seconds(3600))),
    ]
}

extension EtcdConfig.TLS: ConfigurationSection {}

extension EtcdConnectionOptions {
    /// How the client reaches etcd. Errors name the keys of the section. Throws `ConfigurationError` that names the key.
    func clientConfig(section: String) throws(ConfigurationError) -> EtcdConfig {
        var config = try endpointConfig()
        config.credentials = try credentials(section)
        config.tls = tls
        config.tls.section = "\(section).tls"
        config.dialTimeout = dialTimeout
        config.requestTimeout = requestTimeout
        return config
    }

    private func endpointConfig() throws(ConfigurationError) -> EtcdConfig {
        do throws(EtcdError) {
            return try EtcdConfig(endpoints: endpoints)
        } catch {
            throw ConfigurationError(message: error.message, keyPath: "endpoints")
        }
    }

    private func credentials(_ section: String) throws(ConfigurationError) -> EtcdConfig.Credentials? {
        var secret = password?.value
        if let passwordFile {
            let bytes: [UInt8]
            do {
                bytes = try ConfigurationFile.contents(of: passwordFile)
            } catch {
                throw error.explained("\(passwordFile) cannot be read", at: "\(section).password-file")
            }
            // An editor may begin a file with a byte order mark.
            let mark = Array("\u{FEFF}".utf8)
            let text = String(
                validating: bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...], as: UTF8.self)
            guard let line = text?.prefix(while: { !$0.isNewline }), !line.contains("\0") else {
                throw ConfigurationError(
                    message: "\(passwordFile) is not text in UTF-8; save it as UTF-8",
                    keyPath: "\(section).password-file"
                )
            }
            secret = String(line)
        }
        guard let username, let secret else { return nil }
        return EtcdConfig.Credentials(username: username, password: secret)
    }
}

extension EtcdConnectionOptions: Validatable {
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
        if password != nil, passwordFile != nil {
            return ("password-file", "there is a password and a password-file; leave one of them out")
        }
        let hasPassword = password != nil || passwordFile != nil
        if hasPassword, username == nil { return ("username", "there is a password and no username") }
        if username != nil, !hasPassword {
            return ("password", "there is a username and no password; set password-file, or give it by the environment")
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

extension EtcdConnectionOptions {
    /// The meaning of each option.
    public static let help = [
        "endpoints": "the members' addresses; `https` for TLS",
        "username": "the user, if etcd asks for one",
        "password": "the user's password; better in the environment or a file",
        "password-file": "a file with the password in its first line",
        "dial-timeout": "how long an attempt to connect may take",
        "request-timeout": "how long a request may take, repetitions included",
    ]
}

extension EtcdConfig.TLS {
    /// The meaning of each option.
    public static let help = [
        "ca": "a PEM file with the authorities that may sign the members' certificates",
        "certificate": "a PEM file with the client's certificate",
        "key": "a PEM file with the certificate's key",
        "server-name": "the name that the members' certificates must have",
    ]
}
