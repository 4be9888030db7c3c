public import ServiceKitConfig

extension Authorization {
    /// The treatment of a call.
    public enum Effect: String, Codable, Sendable, CaseIterable {
        /// It is served.
        case allow
        /// It is refused.
        case deny
    }

    /// The section `server.authorization`: who may call what.
    public struct Options: ConfigurationSection, Hashable {
        /// The effect on calls that no rule matches. By default they are refused if there are rules, and served if there
        /// are none.
        public var `default`: Effect?
        /// The rules. They are looked at in order; the first that matches decides.
        public var rules: [Rule] = []

        /// Every call is served.
        public init() {}

        /// The meaning of each option.
        public static let help = [
            "default":
                "what is done with calls that no rule matches, `allow` or `deny`; by default `deny` if there are rules",
            "rules":
                "the rules, of which the first that matches decides: `{effect: allow, methods: [/user.v1.UserService/], "
                + "roles: [admin]}`",
        ]

        /// Whether every call is served.
        var isEmpty: Bool { rules.isEmpty && self.default != .deny }

        func effect(on operation: String, of identity: Identity?) -> Effect {
            let rule = rules.first { $0.matches(operation, identity) }
            return rule?.effect ?? self.default ?? (rules.isEmpty ? .allow : .deny)
        }
    }

    /// A rule. It matches a call if all of its conditions hold; a condition with several values holds if one of them does.
    public struct Rule: ConfigurationSection, Hashable {
        /// The effect on a call that matches; `allow` by default.
        public var effect = Effect.allow
        /// The operations: `/user.v1.UserService/GetUser`, all of a service with `/user.v1.UserService/`, or those that begin
        /// so with `/user.v1.*`. By default all.
        public var methods: [String] = []
        /// The callers' names; `spiffe://example.org/billing/*` for those that begin so. By default all. A token may have any
        /// subject, also one that looks like the name in a certificate: `credential` or `issuers` says whose word counts.
        public var subjects: [String] = []
        /// The issuers that vouch for the callers. By default all.
        public var issuers: [String] = []
        /// The roles, of which a caller must have one. By default none is needed.
        public var roles: [String] = []
        /// The values of claims: of each claim named, the caller must have one of the values. By default none is needed.
        public var claims: [String: [String]] = [:]
        /// The proof that the caller must have given: a `token`, or the `certificate` of its connection. By default any.
        public var credential: Identity.Credential?
        /// Whether the caller must be known, or must not. By default it does not matter.
        public var authenticated: Bool?

        /// Matches every call.
        public init() {}

        func matches(_ operation: String, _ identity: Identity?) -> Bool {
            if let authenticated, authenticated != (identity != nil) { return false }
            if let credential, credential != identity?.credential { return false }
            guard methods.isEmpty || methods.contains(where: { OperationRule(pattern: $0).matches(operation) }) else {
                return false
            }
            if subjects.isEmpty, issuers.isEmpty, roles.isEmpty, claims.isEmpty { return true }
            guard let identity else { return false }
            return (subjects.isEmpty || subjects.contains { Self.matches(identity.subject, $0) })
                && (issuers.isEmpty || identity.issuer.map(issuers.contains) ?? false)
                && (roles.isEmpty || roles.contains(where: identity.roles.contains))
                && claims.allSatisfy { name, values in
                    identity.claim(name)?.texts.contains(where: values.contains) ?? false
                }
        }

        private static func matches(_ subject: String, _ pattern: String) -> Bool {
            pattern.hasSuffix("*") ? subject.hasPrefix(pattern.dropLast()) : subject == pattern
        }
    }
}

extension Authorization.Rule: Validatable {
    /// Checks that methods are operations, services or patterns, so that a rule with a mistake does not silently match nothing.
    public func validate() throws(ConfigurationError) {
        try methods.requireOperations(at: "methods", allowsPatterns: true)
    }
}
