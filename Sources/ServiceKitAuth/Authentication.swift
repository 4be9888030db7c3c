internal import FoundationEssentials
private import JWTKit
internal import ServiceKit
private import ServiceKitConfig

/// Finds out who makes a call, by its token or its certificate, and refuses calls whose proof is missing or does not hold.
struct Authentication: Middleware {
    /// The options that may change, made for calls.
    struct Rules: Sendable {
        let isRequired: Bool
        let exempt: [OperationRule]
        let header: String
        let maxBytes: Int
        let tokens: TokenRules

        init(_ options: AuthOptions) {
            isRequired = options.required
            exempt = options.exempt.map(OperationRule.init(pattern:))
            header = options.jwt.header
            maxBytes = options.jwt.maxSize.bytes
            tokens = TokenRules(options.jwt)
        }
    }

    private let rules: Replaceable<Rules>
    /// The keys of tokens; `nil` if tokens are no proof.
    private let keys: KeyKeeper?
    /// The names in certificates; `nil` if certificates are no proof.
    private let certificates: CertificateIdentity?
    /// The time, in seconds since 1970.
    private let now: @Sendable () -> Double

    init(
        _ rules: Replaceable<Rules>,
        keys: KeyKeeper?,
        certificates: CertificateIdentity?,
        now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
    ) {
        self.rules = rules
        self.keys = keys
        self.certificates = certificates
        self.now = now
    }

    func beginServing(_ call: inout Call) async throws {
        let rules = rules.read { copy $0 }
        if rules.exempt.contains(where: { $0.matches(call.operation) }) { return }
        do throws(AuthFailure) {
            if let keys, let token = try Self.token(of: call, rules) {
                call.identity = try await identity(of: token, rules, keys)
            } else if let certificates, let certificate = call.peerCertificate() {
                call.identity = try certificates.identity(of: certificate)
            } else if rules.isRequired {
                throw .missing
            }
        } catch {
            throw error.error
        }
    }

    /// The call's token; `nil` if the call has none.
    private static func token(of call: borrowing Call, _ rules: Rules) throws(AuthFailure) -> Substring? {
        let values = call.metadata.values(of: rules.header)
        guard let value = values.first else { return nil }
        // Two could mean two things to two readers.
        guard values.count == 1, case .string(let text) = value else { throw .malformed }
        // The scheme is not case-sensitive (RFC 9110, section 11.1).
        let scheme = "bearer "
        guard text.prefix(scheme.count).lowercased() == scheme else { throw .missing }
        return text.dropFirst(scheme.count)
    }

    private func identity(
        of text: Substring, _ rules: Rules, _ keys: KeyKeeper
    ) async throws(AuthFailure) -> Identity {
        let token = try SignedToken(text, maxBytes: rules.maxBytes)
        do {
            return try check(token, rules, keys)
        } catch where error == .unknownKey || error == .keysUnavailable {
            guard await keys.refetch() else { throw error }
            return try check(token, rules, keys)
        }
    }

    private func check(_ token: SignedToken, _ rules: Rules, _ keys: KeyKeeper) throws(AuthFailure) -> Identity {
        try rules.tokens.identity(of: token, at: now()) { algorithm, token throws(AuthFailure) in
            let candidates = try keys.keys(token.keyID, algorithm)
            // A signature of the wrong length throws.
            let isSigned = candidates.contains { (try? $0.verify(token.signature, signs: token.signed)) == true }
            if !isSigned { throw .signature }
        }
    }
}
