public import ServiceContextModule

/// The caller of a call, as authentication has found it.
///
/// A handler reads it from the context of its call:
///
/// ```swift
/// guard let caller = ServiceContext.current?.identity else {
///     throw ServiceError(.unauthenticated, reason: "WHO_ARE_YOU", message: "sign in")
/// }
/// ```
/// An authentication of your own is a ``Middleware`` that sets ``Call/identity``.
public struct Identity: Hashable, Sendable {
    /// The proof that the caller has given.
    public enum Credential: String, Codable, Sendable, CaseIterable {
        /// A signed token (JWT).
        case token
        /// The certificate of the connection (mutual TLS).
        case certificate
    }

    /// A value of a claim, as JSON has it.
    public enum Claim: Hashable, Sendable {
        /// No value.
        case null
        /// True or false.
        case bool(Bool)
        /// A number.
        case number(Double)
        /// A text.
        case string(String)
        /// A list.
        case list([Claim])
        /// Named values.
        case object([String: Claim])
    }

    /// The caller's name: a token's subject, or the name in a certificate.
    public var subject: String
    /// The authority that vouches for the caller; `nil` if none is named.
    public var issuer: String?
    /// The caller's roles.
    public var roles: Set<String>
    /// All that the authority says of the caller.
    public var claims: [String: Claim]
    /// The proof that the caller has given.
    public var credential: Credential

    /// Creates an identity.
    public init(
        subject: String,
        issuer: String? = nil,
        roles: Set<String> = [],
        claims: [String: Claim] = [:],
        credential: Credential = .token
    ) {
        self.subject = subject
        self.issuer = issuer
        self.roles = roles
        self.claims = claims
        self.credential = credential
    }

    /// A claim by its name, or by a path of names with dots, `realm_access.roles`; `nil` if there is none. A name that has
    /// dots itself goes first.
    public func claim(_ path: String) -> Claim? {
        if let claim = claims[path] { return claim }
        var names = path.split(separator: ".").map(String.init)[...]
        guard let first = names.popFirst(), var claim = claims[first] else { return nil }
        for name in names {
            guard case .object(let members) = claim, let member = members[name] else { return nil }
            claim = member
        }
        return claim
    }
}

extension Identity.Claim {
    /// The claim as texts: one for a text, a number or a truth value, one for each of those in a list, else none.
    public var texts: [String] {
        switch self {
        case .string(let text): [text]
        case .bool(let value): ["\(value)"]
        case .number(let number): [Int(exactly: number).map { "\($0)" } ?? "\(number)"]
        case .list(let claims): claims.flatMap(\.texts)
        case .null, .object: []
        }
    }
}

extension ServiceContext {
    private enum IdentityKey: ServiceContextKey {
        typealias Value = Identity
    }

    /// The caller of the call that is being served; `nil` if it is not known. It is not sent with the calls that a handler
    /// makes.
    public var identity: Identity? {
        get { self[IdentityKey.self] }
        set { self[IdentityKey.self] = newValue }
    }
}

extension Call {
    /// The caller, as authentication has found it; `nil` if it is not known.
    public var identity: Identity? {
        get { context.identity }
        set { context.identity = newValue }
    }
}
