/// A route that belongs to no method of a service, as far as a program has declared it.
package struct OpenAPIRoute: Hashable, Sendable {
    package struct Parameter: Hashable, Sendable {
        package var name: String
        /// The place: `path`, `query`, `header` or `cookie`.
        package var place: String
        package var schema: OpenAPISchema
        package var note: String?
        package var isRequired: Bool

        package init(_ name: String, in place: String, _ schema: OpenAPISchema, _ note: String?, isRequired: Bool) {
            self.name = name
            self.place = place
            self.schema = schema
            self.note = note
            self.isRequired = isRequired
        }
    }

    package struct Content: Hashable, Sendable {
        package var mediaType: String
        /// `nil` for bytes.
        package var schema: OpenAPISchema?

        package init(_ mediaType: String, _ schema: OpenAPISchema?) {
            self.mediaType = mediaType
            self.schema = schema
        }
    }

    package struct Response: Hashable, Sendable {
        package var status: Int
        package var note: String
        package var content: Content?
        package var headers: [OpenAPIHeader]

        package init(_ status: Int, _ note: String, _ content: Content?, headers: [OpenAPIHeader]) {
            self.status = status
            self.note = note
            self.content = content
            self.headers = headers
        }
    }

    /// A program's description of a route.
    package struct Declaration: Hashable, Sendable {
        package var summary: String?
        package var details: String?
        package var parameters: [Parameter] = []
        package var request: Content?
        package var responses: [Response] = []
        package var isDeprecated = false

        package init() {}
    }

    /// The method, or `*` for all that have no route of their own.
    package var method: String
    package var path: String
    /// `nil` if the program has told nothing.
    package var declaration: Declaration?

    package init(method: String, path: String, declaration: Declaration?) {
        self.method = method
        self.path = path
        self.declaration = declaration
    }
}

extension OpenAPIRoute {
    /// The group of the routes in the document.
    static let tag: JSONValue = ["name": "http", "description": "Routes that belong to no service."]

    /// The methods in the document that the route answers.
    var methods: [String] {
        method == "*" ? ["get", "put", "post", "delete", "patch"] : [method.lowercased()]
    }

    /// The identifier of an operation: `get_avatars_id`.
    func id(of method: String, at path: OpenAPIPath) -> String {
        let words = path.text.split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
        return ([Substring(method)] + words).joined(separator: "_")
    }

    /// The operation of a method.
    ///
    /// - Throws: ``RoutingError`` if the declaration names a parameter that the path does not have, or a schema cannot be made.
    func operation(
        _ method: String, at path: OpenAPIPath, id: String, _ schemas: inout OpenAPISchemas
    ) throws(RoutingError) -> JSONValue {
        var value: JSONValue = ["tags": ["http"], "operationId": .string(id)]
        if let summary = declaration?.summary { value.append("summary", .string(summary)) }
        if let details = declaration?.details { value.append("description", .string(details)) }
        if declaration?.isDeprecated == true { value.append("deprecated", true) }
        let parameters = try parameters(at: path, &schemas)
        if !parameters.isEmpty { value.append("parameters", .array(parameters)) }
        if let body = try body(method, &schemas) { value.append("requestBody", body) }
        value.append("responses", try responses(&schemas))
        return value
    }

    private var name: String { "the route \(method) \(path)" }

    private func parameters(
        at path: OpenAPIPath, _ schemas: inout OpenAPISchemas
    ) throws(RoutingError) -> [JSONValue] {
        let declared = declaration?.parameters ?? []
        for parameter in declared where parameter.place == "path" {
            guard path.parameters.contains(where: { $0.field == parameter.name || $0.name == parameter.name }) else {
                throw RoutingError("\(name): the path has no variable \(parameter.name)")
            }
        }
        var values: [JSONValue] = []
        for variable in path.parameters {
            let found = declared.first { $0.place == "path" && [variable.field, variable.name].contains($0.name) }
            var value: JSONValue = ["name": .string(variable.name), "in": "path", "required": true]
            let notes = [found?.note, variable.note].compactMap(\.self)
            if !notes.isEmpty { value.append("description", .string(notes.joined(separator: "\n\n"))) }
            value.append("schema", try schemas.declared(found?.schema ?? .type("string"), in: name))
            values.append(value)
        }
        for parameter in declared where parameter.place != "path" {
            var value: JSONValue = ["name": .string(parameter.name), "in": .string(parameter.place)]
            if parameter.isRequired { value.append("required", true) }
            if let note = parameter.note { value.append("description", .string(note)) }
            value.append("schema", try schemas.declared(parameter.schema, in: name))
            values.append(value)
        }
        return values
    }

    private func body(_ method: String, _ schemas: inout OpenAPISchemas) throws(RoutingError) -> JSONValue? {
        if let content = declaration?.request {
            return ["required": true, "content": try media(content, &schemas)]
        }
        guard declaration == nil, ["put", "post", "patch"].contains(method) else { return nil }
        return ["content": ["*/*": [:]]]
    }

    private func media(_ content: Content, _ schemas: inout OpenAPISchemas) throws(RoutingError) -> JSONValue {
        var value: JSONValue = [:]
        if let schema = content.schema { value.append("schema", try schemas.declared(schema, in: name)) }
        return .object([JSONValue.Member(content.mediaType, value)])
    }

    private func responses(_ schemas: inout OpenAPISchemas) throws(RoutingError) -> JSONValue {
        guard let declaration else {
            return [
                "200": ["description": "A response that is not described.", "content": ["*/*": [:]]],
                "default": ["description": "A response that is not described.", "content": ["*/*": [:]]],
            ]
        }
        var values: JSONValue = [:]
        for response in declaration.responses {
            var value: JSONValue = ["description": .string(response.note)]
            if !response.headers.isEmpty { value.append("headers", response.headers.json()) }
            if let content = response.content { value.append("content", try media(content, &schemas)) }
            values.set("\(response.status)", value)
        }
        if declaration.responses.isEmpty { values.append("200", ["description": "The response."]) }
        values.append(
            "default",
            [
                "description": "An error.",
                "content": ["application/json": ["schema": OpenAPIErrors.restReference]],
            ])
        return values
    }
}
