import ServiceKitHTTP2
import ServiceKitProtobuf

/// Everything that has a path: methods by their rules, and routes that belong to no method.
struct RouteTable: Sendable {
    private var router = PathRouter<HTTPTarget>()
    /// The routes that belong to no method, in the order of their numbers.
    private(set) var own: [OwnRoute] = []

    /// Adds the rules of a method.
    ///
    /// - Throws: `RoutingError` if a rule is wrong, or another route has its paths; `DescriptorError` if it cannot be read.
    mutating func add(
        _ type: MethodType, of service: ServiceType, _ descriptors: DescriptorPool,
        request: JSONTranscoder, response: JSONTranscoder, errors: ErrorForm, adjustments: [RESTReply.Adjustment]
    ) throws {
        let name = "\(service.name).\(type.name)"
        let operation = "/\(service.name)/\(type.name)"
        for rule in try descriptors.httpRules(of: type.name, in: service.name) {
            // A stream of requests comes by WebSocket, and that by GET.
            guard !type.isClientStreaming || rule.method == "GET" else { continue }
            let binding = try RequestBinding(
                rule, input: request, output: response, method: name, isStream: type.isClientStreaming)
            let form = RESTForm(operation, type, binding, errors: errors, adjustments: adjustments)
            let route = RESTRoute(operation: operation, type: type, binding: binding, form: form)
            try router.add(rule.method, binding.template, name: name, target: .method(route))
        }
    }

    /// Adds a route that belongs to no method.
    ///
    /// - Throws: `RoutingError` if its path is wrong, or another route has it.
    mutating func add(_ route: OwnRoute) throws(RoutingError) {
        try router.add(route.method, PathTemplate(route.path), name: route.name, target: .route(own.count))
        own.append(route)
    }

    /// Finds the route of a request. A route for GET answers HEAD, if it belongs to no method.
    func route(_ method: String, _ path: String) -> PathRouter<HTTPTarget>.Result {
        let result = router.route(method, path)
        guard case .methodNotAllowed(let allowed) = result, allowed.contains("GET"),
            case .found(let match) = router.route("GET", path), case .route = match.target
        else { return result }
        if method == "HEAD" { return .found(match) }
        return .methodNotAllowed(Set(allowed + ["HEAD"]).sorted())
    }
}
