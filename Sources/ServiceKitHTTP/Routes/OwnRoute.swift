import GRPCCore

/// A route that belongs to no method of a service.
struct OwnRoute: Sendable {
    /// The method of HTTP.
    let method: String
    let path: String
    /// The operation, as middleware sees it: `/http/GET/avatars/{id}`.
    let operation: MethodDescriptor
    let handler: HTTPRoutes.Handler

    init(method: String, path: String, handler: @escaping HTTPRoutes.Handler) {
        self.method = method
        self.path = path
        operation = MethodDescriptor(fullyQualifiedService: "http", method: method + path)
        self.handler = handler
    }

    /// The name in errors: `GET /avatars/{id}`.
    var name: String { "the route \(method) \(path)" }
}
