/// The description of services for programs and people: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1.html).
///
/// It has each rule of `google.api.http`, for each method without one that takes and gives one message the path of Connect,
/// and the routes that belong to no method. OpenAPI has no form for other streams.
package struct OpenAPIDocument: Sendable {
    /// The methods that a path can have.
    private static let methods: Set<String> = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]

    /// The document.
    package let json: JSONValue

    /// Describes services.
    ///
    /// - Throws: ``RoutingError`` when a rule or a declaration is wrong.
    package init(
        _ pool: DescriptorPool, services: [ServiceType], options: OpenAPIOptions
    ) throws(RoutingError) {
        var schemas = OpenAPISchemas(pool, options.json)
        var paths = Paths()
        var ids = Identifiers(services)
        var tags: [JSONValue] = []
        var components: [String: JSONValue] = [:]
        let operations = try pool.httpOperations(of: services).filter { operation in
            operation.isConnect ? !operation.method.isStream : !operation.method.isClientStreaming
        }
        for operation in operations {
            let path = paths.path(OpenAPIPath(operation.template))
            guard let method = Self.method(operation.rule), !paths.has(method, path) else { continue }
            schemas.use(options.methods["/\(operation.name)"] ?? options.json)
            let value = try OpenAPIOperation(
                operation, at: path, id: ids.next(operation), options.replies["/\(operation.name)"] ?? [], &schemas
            ).value
            paths.add(method, path, value)
            let error = OpenAPIErrors.schema(of: operation, options.errors)
            components[error.name] = error.value
        }
        for service in services where operations.contains(where: { $0.service == service.name }) {
            var tag: JSONValue = ["name": .string(service.name)]
            if let comment = schemas.notes.comment(on: service.name) { tag.append("description", .string(comment)) }
            tags.append(tag)
        }
        // The program makes the JSON of these, as protobuf's libraries do.
        schemas.use(JSONOptions())
        if try paths.add(options.routes, &ids, &schemas) {
            tags.append(OpenAPIRoute.tag)
            let error = OpenAPIErrors.rest(options.errors)
            components[error.name] = error.value
        }
        schemas.complete()
        components.merge(schemas.components) { own, _ in own }
        let info: JSONValue = ["title": .string(options.title), "version": .string(options.version)]
        json = [
            "openapi": "3.1.1", "info": info, "tags": .array(tags), "paths": paths.json,
            "components": [
                "schemas": .object(components.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, $0.value) })
            ],
        ]
    }

    /// The method of an operation in OpenAPI; `nil` if it has none. A rule for every method is shown as one of them.
    private static func method(_ rule: HTTPRule) -> String? {
        let method = rule.method == "*" ? (rule.body.isEmpty ? "GET" : "POST") : rule.method
        return methods.contains(method) ? method.lowercased() : nil
    }

    /// The paths in the order of their first operations.
    private struct Paths {
        private var order: [String] = []
        private var items: [String: [JSONValue.Member]] = [:]
        private var byShape: [String: OpenAPIPath] = [:]

        /// The path with the names of the first path of its shape.
        mutating func path(_ path: OpenAPIPath) -> OpenAPIPath {
            if let first = byShape[path.shape] { return path.named(as: first) }
            byShape[path.shape] = path
            return path
        }

        func has(_ method: String, _ path: OpenAPIPath) -> Bool {
            items[path.text]?.contains { $0.name == method } == true
        }

        mutating func add(_ method: String, _ path: OpenAPIPath, _ operation: JSONValue) {
            if items[path.text] == nil { order.append(path.text) }
            items[path.text, default: []].append(JSONValue.Member(method, operation))
        }

        /// Adds routes.
        ///
        /// - Returns: Whether there are any.
        mutating func add(
            _ routes: [OpenAPIRoute], _ ids: inout Identifiers, _ schemas: inout OpenAPISchemas
        ) throws(RoutingError) -> Bool {
            var hasAny = false
            // A route for all methods has those that no other route has.
            for route in routes.filter({ $0.method != "*" }) + routes.filter({ $0.method == "*" }) {
                let path = path(OpenAPIPath(try PathTemplate(route.path)))
                for method in route.methods where methods.contains(method.uppercased()) && !has(method, path) {
                    let id = ids.next(route.id(of: method, at: path))
                    add(method, path, try route.operation(method, at: path, id: id, &schemas))
                    hasAny = true
                }
            }
            return hasAny
        }

        var json: JSONValue { .object(order.map { JSONValue.Member($0, .object(items[$0] ?? [])) }) }
    }

    /// The identifiers of operations: `UserService_GetUser`, and `UserService_GetUser_2` for its second rule.
    private struct Identifiers {
        private var names: [String: String] = [:]
        private var used: Set<String> = []

        init(_ services: [ServiceType]) {
            let short = services.map { $0.name.split(separator: ".").last.map(String.init) ?? $0.name }
            for (service, name) in zip(services, short) {
                let isAlone = short.filter { $0 == name }.count == 1
                names[service.name] = isAlone ? name : service.name.replacing(".", with: "_")
            }
        }

        mutating func next(_ operation: HTTPOperation) -> String {
            next("\(names[operation.service] ?? operation.service)_\(operation.method.name)")
        }

        mutating func next(_ name: String) -> String {
            var (next, count) = (name, 1)
            while !used.insert(next).inserted {
                count += 1
                next = "\(name)_\(count)"
            }
            return next
        }
    }
}
