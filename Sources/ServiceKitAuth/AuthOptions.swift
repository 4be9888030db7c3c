public import FoundationEssentials
private import ServiceKit
public import ServiceKitConfig

/// The section `server.auth`: how the callers of an App's servers prove who they are.
public struct AuthOptions: ConfigurationSection, Hashable {
    /// Whether calls without any proof are refused; true by default. Else they are served without an identity. A proof that
    /// does not hold is refused always.
    public var required = true
    /// Operations that need no proof: `/grpc.health.v1.Health/` for a service, `/user.v1.UserService/GetUser` for a method.
    /// Health and reflection by default.
    public var exempt = [
        "/grpc.health.v1.Health/", "/grpc.reflection.v1.ServerReflection/",
        "/grpc.reflection.v1alpha.ServerReflection/",
    ]
    /// Signed tokens.
    public var jwt = JWTOptions()
    /// Certificates of callers.
    public var mtls = CertificateOptions()

    /// No authentication.
    public init() {}

    /// The meaning of each option.
    public static let help = [
        "required": "whether calls without any proof are refused; one that does not hold is refused always",
        "exempt":
            "operations that need no proof: a method, `/user.v1.UserService/GetUser`, or a service, `/user.v1.UserService/`",
    ]

    /// Whether callers are asked for anything.
    var isEnabled: Bool { jwt.isEnabled || mtls.enabled }

    static let path = "server.auth"
    /// The paths whose changes take effect without a restart. The others decide which keys there are.
    static let livePaths =
        ["required", "exempt"].map { "\(path).\($0)" }
        + [
            "issuer", "audiences", "algorithms", "leeway", "max-size", "requires-expiration", "header", "subject-claim",
            "roles-claim",
        ].map { "\(path).jwt.\($0)" }
}

extension AuthOptions: Validatable {
    /// Checks that `exempt` has operations, services or patterns.
    public func validate() throws(ConfigurationError) {
        try exempt.requireOperations(at: "exempt", allowsPatterns: true)
    }
}

/// A signature algorithm of a token (RFC 7518, RFC 8037).
public enum TokenAlgorithm: String, Codable, Sendable, CaseIterable {
    /// HMAC with SHA-256, by the secret that both sides know.
    case hs256 = "HS256"
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    case rs256 = "RS256"
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    case rs384 = "RS384"
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    case rs512 = "RS512"
    /// RSASSA-PSS with SHA-256.
    case ps256 = "PS256"
    /// ECDSA on P-256 with SHA-256.
    case es256 = "ES256"
    /// ECDSA on P-384 with SHA-384.
    case es384 = "ES384"
    /// Ed25519.
    case eddsa = "EdDSA"
}

/// The section `server.auth.jwt`: tokens that callers send as `authorization: Bearer …` (RFC 7519, RFC 8725).
public struct JWTOptions: ConfigurationSection, Hashable {
    /// The only accepted issuer, the claim `iss`; any by default.
    public var issuer: String?
    /// The names of this service: a token's claim `aud` must have one of them. By default it is not looked at.
    public var audiences: [String] = []
    /// The accepted algorithms. A key serves only for those of its own kind, so a public key never checks an `HS256` token.
    public var algorithms: [TokenAlgorithm] = [.hs256, .rs256, .es256, .eddsa]
    /// How much the clocks of issuer and server may differ, for the claims `exp` and `nbf`; 30 s by default.
    public var leeway = Duration.seconds(30)
    /// The largest token; 8 KiB by default. A larger one is refused before anything of it is decoded.
    public var maxSize = ByteCount.kibibytes(8)
    /// Whether a token needs the claim `exp`; true by default.
    public var requiresExpiration = true
    /// The header that has the token, behind `Bearer `; `authorization` by default.
    public var header = "authorization"
    /// The claim with the caller's name; `sub` by default.
    public var subjectClaim = "sub"
    /// The claim with the caller's roles, or the path of one, `realm_access.roles`: a list, or a text with spaces. `roles` by
    /// default.
    public var rolesClaim = "roles"
    /// The secret of `HS256` tokens, at least 32 bytes.
    public var secret: Secret<String>?
    /// The public keys of the other algorithms.
    public var jwks = KeySetOptions()

    /// No keys, and so no tokens.
    public init() {}

    /// The ranges of the section's values.
    public static let ranges: [OptionRange<JWTOptions>] = [
        OptionRange("leeway", \.leeway, .zero...(.seconds(3600))),
        OptionRange("max-size", \.maxSize, .kibibytes(1)...(.mebibytes(1))),
    ]

    /// The meaning of each option.
    public static let help = [
        "issuer": "the only accepted issuer, the claim `iss`; without it any",
        "audiences":
            "the names of this service, of which the claim `aud` must have one; without them it is not looked at",
        "algorithms": "the accepted algorithms; a key serves only for those of its own kind",
        "leeway": "how much the clocks of issuer and server may differ",
        "max-size": "the largest token; a larger one is refused before it is decoded",
        "requires-expiration": "whether a token needs the claim `exp`",
        "header": "the header that has the token, behind `Bearer `",
        "subject-claim": "the claim with the caller's name",
        "roles-claim": "the claim with the caller's roles, or the path of one, `realm_access.roles`",
        "secret": "the secret of `HS256` tokens, at least 32 bytes: `@file:/run/secrets/jwt`",
    ]

    var isEnabled: Bool { secret != nil || jwks.isEnabled }
}

extension JWTOptions: Validatable {
    /// Checks that the secret is long enough (RFC 7518, section 3.2) and serves for an algorithm, and that the header can be
    /// one.
    public func validate() throws(ConfigurationError) {
        if let secret, secret.value.utf8.count < 32 {
            throw ConfigurationError(message: "an HS256 secret has at least 32 bytes", keyPath: "secret")
        }
        if algorithms.isEmpty {
            throw ConfigurationError(message: "without an algorithm no token is accepted", keyPath: "algorithms")
        }
        if secret != nil, !jwks.isEnabled, !algorithms.contains(.hs256) {
            throw ConfigurationError(
                message: "a secret serves only for HS256, so no token is accepted; add HS256, or set jwks",
                keyPath: "algorithms")
        }
        try header.requireHeaderName(at: "header")
    }
}

/// The section `server.auth.jwt.jwks`: a set of public keys (RFC 7517), in a file or at a URL.
public struct KeySetOptions: ConfigurationSection, Hashable {
    /// A file with the keys. A change is taken over at once.
    public var file: String?
    /// The address of the keys, such as an OpenID provider's `jwks_uri`.
    public var url: URL?
    /// How often the address is asked; 15 min by default.
    public var refreshInterval = Duration.seconds(900)
    /// How long an answer may take; 5 s by default.
    public var timeout = Duration.seconds(5)
    /// The largest key set; 256 KiB by default.
    public var maxSize = ByteCount.kibibytes(256)
    /// How long no token with an unknown key id makes the server ask again; 30 s by default.
    public var refetchInterval = Duration.seconds(30)
    /// How long a key that is no longer in the set is still accepted; 10 min by default.
    public var grace = Duration.seconds(600)

    /// No keys.
    public init() {}

    /// The ranges of the section's values.
    public static let ranges: [OptionRange<KeySetOptions>] = [
        OptionRange("refresh-interval", \.refreshInterval, .seconds(1)...(.seconds(7 * 86_400))),
        OptionRange("timeout", \.timeout, .milliseconds(1)...(.seconds(60))),
        OptionRange("max-size", \.maxSize, .kibibytes(1)...(.mebibytes(16))),
        OptionRange("refetch-interval", \.refetchInterval, .seconds(1)...(.seconds(86_400))),
        OptionRange("grace", \.grace, .zero...(.seconds(7 * 86_400))),
    ]

    /// The meaning of each option.
    public static let help = [
        "file": "a file with the public keys, a JSON Web Key Set; a change is taken over at once",
        "url": "the address of the public keys, such as an OpenID provider's `jwks_uri`",
        "refresh-interval": "how often the address is asked",
        "timeout": "how long an answer may take",
        "max-size": "the largest key set",
        "refetch-interval": "how long no further token with an unknown key id makes the server ask again",
        "grace": "how long a key that is no longer in the set is still accepted",
    ]

    var isEnabled: Bool { file != nil || url != nil }
}

extension KeySetOptions: Validatable {
    /// Checks that there is one source, of a kind that can be asked.
    public func validate() throws(ConfigurationError) {
        if file != nil, url != nil {
            throw ConfigurationError(message: "give a file or a url, not both", keyPath: "url")
        }
        if let url, !["http", "https"].contains(url.scheme?.lowercased()) {
            throw ConfigurationError(
                message: "expected an address that begins with https:// or http://", keyPath: "url")
        }
    }
}

/// The section `server.auth.mtls`: the caller's certificate as a proof, if `server.grpc.tls.client-ca` is set.
public struct CertificateOptions: ConfigurationSection, Hashable {
    /// A name in a certificate.
    public enum Name: String, Codable, Sendable, CaseIterable {
        /// The SPIFFE ID, `spiffe://example.org/user-service`: the only URI of the subject alternative names.
        case spiffe
        /// The first DNS name of the subject alternative names.
        case dns
        /// The distinguished name: `CN=user-service,O=Example`.
        case subject
    }

    /// Whether a certificate is a proof; false by default.
    public var enabled = false
    /// The names to look for: the first that the certificate has is the caller's. By default `spiffe`, `dns`, `subject`.
    public var names: [Name] = [.spiffe, .dns, .subject]
    /// The accepted trust domains of SPIFFE IDs; all by default.
    public var trustDomains: [String] = []

    /// Certificates are no proof.
    public init() {}

    /// The meaning of each option.
    public static let help = [
        "enabled": "whether a certificate is a proof; it needs `server.grpc.tls.client-ca`",
        "names": "the names to look for in a certificate, the first that it has counts: `spiffe`, `dns`, `subject`",
        "trust-domains": "the accepted trust domains of SPIFFE IDs; without them all",
    ]
}
