internal import ServiceKit
internal import ServiceKitProtobuf

/// The checks of a token beside its key: the configured ones, made for calls.
struct TokenRules: Sendable {
    private let options: JWTOptions
    private let leeway: Double

    init(_ options: JWTOptions) {
        self.options = options
        leeway = options.leeway / .seconds(1)
    }

    /// Checks a token, and tells whose it is.
    ///
    /// - Parameters:
    ///   - text: The token.
    ///   - now: The time, in seconds since 1970.
    ///   - verify: Checks the signature with the keys of an algorithm.
    /// - Returns: The caller.
    /// - Throws: ``AuthFailure``.
    func identity(
        of token: SignedToken, at now: Double, _ verify: (TokenAlgorithm, SignedToken) throws(AuthFailure) -> Void
    ) throws(AuthFailure) -> Identity {
        // `none` is no algorithm here (RFC 8725, section 3.1).
        guard let algorithm = TokenAlgorithm(rawValue: token.algorithm), options.algorithms.contains(algorithm) else {
            throw .algorithm
        }
        try verify(algorithm, token)
        return try identity(of: try token.claims(), at: now)
    }

    private func identity(of claims: [String: JSONValue], at now: Double) throws(AuthFailure) -> Identity {
        switch try time("exp", claims) {
        case nil: if options.requiresExpiration { throw .claims }
        case let expiry?: if now >= expiry + leeway { throw .expired }
        }
        if let start = try time("nbf", claims), now < start - leeway { throw .notYetValid }
        let issuer = claims["iss"].flatMap(Self.text)
        if let expected = options.issuer, issuer != expected { throw .issuer }
        if !options.audiences.isEmpty {
            let audiences = claims["aud"].map { Identity.Claim($0).texts } ?? []
            guard audiences.contains(where: options.audiences.contains) else { throw .audience }
        }
        let all = claims.mapValues(Identity.Claim.init)
        var identity = Identity(subject: "", issuer: issuer, claims: all, credential: .token)
        guard case .string(let subject)? = identity.claim(options.subjectClaim), !subject.isEmpty else { throw .claims }
        identity.subject = subject
        identity.roles = Self.roles(identity.claim(options.rolesClaim))
        return identity
    }

    /// A time in seconds since 1970 (RFC 7519, section 2).
    private func time(_ name: String, _ claims: [String: JSONValue]) throws(AuthFailure) -> Double? {
        switch claims[name] {
        case nil: return nil
        case .number(let text):
            guard let time = Double(text), time.isFinite else { throw .malformed }
            return time
        default: throw .malformed
        }
    }

    private static func text(_ value: JSONValue) -> String? {
        if case .string(let text) = value { text } else { nil }
    }

    private static func roles(_ claim: Identity.Claim?) -> Set<String> {
        switch claim {
        case .string(let text)?: Set(text.split(separator: " ").map(String.init))
        case .list(let roles)?: Set(roles.flatMap(\.texts))
        default: []
        }
    }
}

extension Identity.Claim {
    /// A claim from JSON. A number beyond a double's range is infinite.
    fileprivate init(_ value: JSONValue) {
        self =
            switch value {
            case .null: .null
            case .bool(let value): .bool(value)
            case .number(let text): .number(Double(text) ?? 0)
            case .string(let text): .string(text)
            case .array(let elements): .list(elements.map(Self.init))
            case .object(let members):
                .object(Dictionary(members.map { ($0.name, Self($0.value)) }) { first, _ in first })
            }
    }
}
