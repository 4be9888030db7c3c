public import ServiceKit
internal import ServiceKitConfig

extension Plugin {
    /// Authentication of callers, by tokens and by certificates, as the section `server.auth` says. Without the section
    /// nothing is asked, and calls cost nothing more.
    public static var auth: Plugin {
        Plugin(
            joining:
                .adding(to: ConfigurationSections.self) {
                    $0.add(AuthOptions.self, at: AuthOptions.path, live: AuthOptions.livePaths) {
                        options, configuration in
                        try options.check(with: configuration)
                        try options.checkFiles(in: configuration)
                    }
                },
            .adding(to: AppExtensions.self) { $0.add { app in try app.authenticate() } }
        )
    }
}

extension AuthOptions {
    /// Checks that other sections have the options that this one needs.
    fileprivate func check(with configuration: Configuration) throws {
        if mtls.enabled, !configuration.contains("server.grpc.tls.client-ca") {
            let path = "\(Self.path).mtls.enabled"
            throw ConfigurationError(
                message: "no caller has a certificate without server.grpc.tls.client-ca",
                location: configuration.location(of: path), keyPath: path)
        }
        // Without the key it is the default, and the section may be there for a later time.
        let path = "\(Self.path).required"
        if required, !isEnabled, configuration.contains(path) {
            throw ConfigurationError(
                message:
                    "no caller is asked for a proof without jwt.secret, jwt.jwks or mtls.enabled; set one beside it",
                location: configuration.location(of: path), keyPath: path)
        }
    }

    /// Checks that the file of keys can be read. Where the service runs it may be there.
    fileprivate func checkFiles(in configuration: Configuration) throws {
        guard let file = jwt.jwks.file else { return }
        do {
            _ = try ConfigurationFile.contents(of: file)
        } catch {
            let path = "\(Self.path).jwt.jwks.file"
            throw configuration.located(error.explained("\(file) cannot be read", at: path), at: path)
        }
    }
}

extension App {
    fileprivate func authenticate() throws {
        let options = try configuration.decode(AuthOptions.self, at: AuthOptions.path)
        try options.check(with: configuration)
        let rules = Replaceable(Authentication.Rules(options))
        follow(AuthOptions.livePaths) { next, _ in
            let changed = Authentication.Rules(try next.decode(AuthOptions.self, at: AuthOptions.path))
            return { rules.set(changed) }
        }
        guard options.isEnabled else { return }
        var keys: KeyKeeper?
        if options.jwt.isEnabled {
            let keeper = KeyKeeper(options.jwt, logger: logger)
            beforeStart { try await keeper.start() }
            add(keeper)
            keys = keeper
        }
        let certificates = options.mtls.enabled ? CertificateIdentity(options.mtls) : nil
        use(Authentication(rules, keys: keys, certificates: certificates))
    }
}
