import ServiceContextModule
public import ServiceKit

/// Passes the tenant of a call on to the calls that its handler makes, and refuses calls without one. It works on servers
/// and clients: `app.use(Tenancy())`, `app.useForClients(Tenancy())`.
public struct Tenancy: Middleware {
    private enum Key: ServiceContextKey {
        typealias Value = String
    }

    /// Creates the middleware.
    public init() {}

    /// Keeps the tenant for the handler.
    public func beginServing(_ call: inout Call) throws {
        guard let tenant = call.metadata["x-tenant"] else {
            throw ServiceError(.badRequest, reason: "TENANT_MISSING", message: "send x-tenant")
        }
        call.context[Key.self] = tenant
    }

    /// Sends the tenant of the handler that makes the call, unless the call names another.
    public func beginCalling(_ call: inout Call) {
        guard call.metadata["x-tenant"] == nil else { return }
        call.metadata["x-tenant"] = call.context[Key.self]
    }
}
