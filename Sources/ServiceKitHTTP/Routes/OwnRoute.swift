import GRPCCore
import GRPCNghttp2Transport

/// A route that belongs to no method of a service.
struct OwnRoute: Sendable {
    /// Stands for all methods, as routers write it.
    static let anyMethod = "*"

    /// The method of HTTP.
    let method: String
    let path: String
    /// The operation, as middleware sees it: `/http/GET/avatars/{id}`.
    let operation: MethodDescriptor
    /// The operation as the path of a method.
    let operationPath: String
    let handler: HTTPRoutes.Handler

    init(method: String, path: String, handler: @escaping HTTPRoutes.Handler) {
        self.method = method
        self.path = path
        operation = MethodDescriptor(
            fullyQualifiedService: "http", method: (method == Self.anyMethod ? "ANY" : method) + path)
        operationPath = operation.path
        self.handler = handler
    }

    /// The name in errors.
    var name: String { "the route \(method) \(path)" }
}
