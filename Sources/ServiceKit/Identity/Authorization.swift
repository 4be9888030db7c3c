/// Refuses calls that their callers may not make, by rules in the configuration: `server.authorization`.
///
/// An App has this middleware. It does nothing unless configured. Rules are looked at in order, and the first that matches
/// decides; else the default does. A running App follows changes. A refused call is `403 PERMISSION_DENIED`.
///
/// ```yaml
/// server:
///   authorization:
///     default: deny
///     rules:
///       - { effect: deny, subjects: [mallory] }
///       - { methods: [/user.v1.UserService/DeleteUser], roles: [admin] }
///       - { methods: [/user.v1.UserService/], authenticated: true }
///       - { methods: [/bill.v1.Billing/], subjects: ["spiffe://example.org/shop/*"], credential: certificate }
/// ```
///
/// Rules that configuration cannot say are an ``Authorizer``.
public struct Authorization: SynchronousMiddleware {
    static let refusal = PreparedError(
        ServiceError(
            .forbidden, reason: "PERMISSION_DENIED", message: "the caller may not call this operation")
    )

    private let options: Replaceable<Options>

    /// Decides by rules.
    public init(_ options: Options) {
        self.init(Replaceable(options))
    }

    /// Decides by rules that may change: those that are in force when a call begins.
    init(_ options: Replaceable<Options>) {
        self.options = options
    }

    /// Decides whether a call is served.
    ///
    /// - Throws: ``ServiceError`` when it is not.
    public func beginServing(_ call: inout Call) throws {
        let permits = options.read { options in
            options.isEmpty || options.effect(on: call.operation, of: call.identity) == .allow
        }
        if !permits { throw Self.refusal }
    }
}

/// Decides whether calls are served, in code: a middleware that an App uses like any other.
///
/// ```swift
/// struct OwnTenantOnly: Authorizer {
///     func permits(_ call: Call) -> Bool {
///         call.identity?.claim("tenant")?.texts == call.metadata["x-md-tenant"].map { [$0] }
///     }
/// }
/// ```
/// It begins behind authentication. To decide by the message of a call, compare in the handler.
public protocol Authorizer: Middleware {
    /// Whether a call is to be served. Else it is answered with `403 PERMISSION_DENIED`.
    ///
    /// - Parameter call: The call, with its ``Call/identity``.
    /// - Throws: Another error that answers the call.
    nonisolated(nonsending) func permits(_ call: Call) async throws -> Bool
}

extension Authorizer {
    /// Refuses the call unless ``permits(_:)`` says true.
    ///
    /// - Throws: ``ServiceError`` when the call is not to be served.
    public nonisolated(nonsending) func beginServing(_ call: inout Call) async throws {
        if try await !permits(call) { throw Authorization.refusal }
    }
}
