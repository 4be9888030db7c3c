public import HTTPTypes
public import ServiceKit
private import ServiceKitConfig
private import ServiceKitGRPC
internal import ServiceKitProtobuf
private import Synchronization

/// The routes of an App that belong to no method of a service: downloads, uploads, webhooks, pages.
///
/// They are served on the port of gRPC. Middleware, limits, authentication and authorisation are around them as around
/// calls. Their operation is `/http/METHOD/PATH`: `/http/GET/avatars/{id}`; a rule for `/http/*` is for all routes.
///
/// ```swift
/// app.http.get("/avatars/{id}") { request in
///     RouteResponse(.ok, body: try await store.avatar(request.parameters["id"]), contentType: "image/png")
/// }
/// ```
public final class HTTPRoutes: Sendable {
    /// Answers a request. An error that it throws becomes the response, as that of a call over REST does.
    public typealias Handler = @Sendable (_ request: RouteRequest) async throws -> RouteResponse

    private struct Adjustment {
        let operations: OperationRule
        let description: ReplyDescription?
        let adjust: RESTReply.Adjustment
    }

    private let routes = Mutex<[OwnRoute]>([])
    /// The routes as the OpenAPI document has them.
    private let descriptions = Mutex<[OpenAPIRoute]>([])
    private let adjustments = Mutex<[Adjustment]>([])
    private let willAdd: @Sendable () -> Bool

    /// - Parameter willAdd: Called before each route; tells whether routes can be added still.
    init(willAdd: @escaping @Sendable () -> Bool) {
        self.willAdd = willAdd
    }

    /// Answers requests of a method at a path.
    ///
    /// A path that cannot be read, and two routes with the same method and path, are errors at the start. Routes that are
    /// added after the start are ignored, with a warning.
    ///
    /// - Parameters:
    ///   - method: The method. A route for GET answers HEAD too.
    ///   - path: The path, in the notation of `google.api.http`: `/avatars/{id}`, `/files/{path=**}`.
    ///   - description: The route in the OpenAPI document. Without it the document has the method and the path.
    ///   - handler: Answers.
    public func on(
        _ method: HTTPRequest.Method, _ path: String, describedBy description: RouteDescription? = nil,
        _ handler: @escaping Handler
    ) {
        add(OwnRoute(method: method.rawValue, path: path, handler: handler), description)
    }

    /// Answers requests of all methods that have no route of their own at a path. The operation is `/http/ANY/PATH`.
    public func any(
        _ path: String, describedBy description: RouteDescription? = nil, _ handler: @escaping Handler
    ) {
        add(OwnRoute(method: OwnRoute.anyMethod, path: path, handler: handler), description)
    }

    private func add(_ route: OwnRoute, _ description: RouteDescription?) {
        guard willAdd() else { return }
        routes.withLock { $0.append(route) }
        guard description?.isListed != false else { return }
        let described = OpenAPIRoute(method: route.method, path: route.path, declaration: description?.declaration)
        descriptions.withLock { $0.append(described) }
    }

    /// Answers GET and HEAD.
    public func get(_ path: String, describedBy description: RouteDescription? = nil, _ handler: @escaping Handler) {
        on(.get, path, describedBy: description, handler)
    }

    /// Answers POST.
    public func post(_ path: String, describedBy description: RouteDescription? = nil, _ handler: @escaping Handler) {
        on(.post, path, describedBy: description, handler)
    }

    /// Answers PUT.
    public func put(_ path: String, describedBy description: RouteDescription? = nil, _ handler: @escaping Handler) {
        on(.put, path, describedBy: description, handler)
    }

    /// Answers PATCH.
    public func patch(_ path: String, describedBy description: RouteDescription? = nil, _ handler: @escaping Handler) {
        on(.patch, path, describedBy: description, handler)
    }

    /// Answers DELETE.
    public func delete(
        _ path: String, describedBy description: RouteDescription? = nil, _ handler: @escaping Handler
    ) {
        on(.delete, path, describedBy: description, handler)
    }

    func add(
        _ operations: OperationRule, _ description: ReplyDescription?, _ adjustment: @escaping RESTReply.Adjustment
    ) {
        adjustments.withLock {
            $0.append(Adjustment(operations: operations, description: description, adjust: adjustment))
        }
    }

    /// The changes of a method's responses.
    func adjustments(of operation: String) -> [RESTReply.Adjustment] {
        adjustments.withLock { $0.filter { $0.operations.matches(operation) }.map(\.adjust) }
    }

    /// The changes of a method's responses, as far as they are described.
    func describedReplies(of operation: String) -> [OpenAPIReply] {
        adjustments.withLock { adjustments in
            adjustments.filter { $0.operations.matches(operation) }.compactMap { $0.description?.reply }
        }
    }

    /// The routes of the OpenAPI document.
    var described: [OpenAPIRoute] { descriptions.withLock(\.self) }

    var all: [OwnRoute] { routes.withLock(\.self) }
}

extension App {
    /// The routes that belong to no method of a service. They are served if the App has the plugin `.http`.
    public var http: HTTPRoutes {
        component(HTTPRoutes.self) {
            beforeStart { [weak self] in try self?.requireHTTP() }
            // The server is made with the first route, if no service has made it.
            return HTTPRoutes(willAdd: { [weak self] in self?.serveGRPC(adding: "HTTP route") ?? false })
        }
    }

    private func requireHTTP() throws {
        let options = try configuration.serverOptions(HTTPOptions.self, named: HTTPOptions.serverName)
        guard options.enabled, otherRequests.prepare == nil, !http.all.isEmpty else { return }
        throw AppError("the routes of app.http need the plugin .http; write App.run(plugins: [.http])")
    }
}
