/// One operation of an OpenAPI document.
struct OpenAPIOperation {
    /// The full name of a message whose bytes are a body of any type.
    static let httpBody = "google.api.HttpBody"

    let value: JSONValue

    /// - Throws: ``RoutingError`` if a schema of a change cannot be made.
    init(
        _ operation: HTTPOperation, at path: OpenAPIPath, id: String, _ replies: [OpenAPIReply],
        _ schemas: inout OpenAPISchemas
    ) throws(RoutingError) {
        let method = operation.method
        let name = "\(operation.service).\(method.name)"
        var value: JSONValue = ["tags": [.string(operation.service)], "operationId": .string(id)]
        if let comment = schemas.notes.comment(on: name) {
            let summary = Self.summary(of: comment)
            value.append("summary", .string(summary))
            if summary != comment { value.append("description", .string(comment)) }
        }
        if schemas.notes.isDeprecated(name) || schemas.notes.isDeprecated(operation.service) {
            value.append("deprecated", true)
        }
        let parameters = OpenAPIParameters(path, operation, &schemas).values
        if !parameters.isEmpty { value.append("parameters", .array(parameters)) }
        if let body = Self.body(operation, &schemas) { value.append("requestBody", body) }
        var success = (status: 200, response: Self.response(operation, &schemas))
        var failure: JSONValue = [
            "description": "An error.",
            "content": ["application/json": ["schema": OpenAPIErrors.reference(of: operation)]],
        ]
        // Only responses over REST that are one message are changed.
        if !operation.isConnect, !method.isServerStreaming {
            for reply in replies { try reply.apply(to: &success, &failure, of: name, &schemas) }
        }
        let responses = [
            JSONValue.Member("\(success.status)", success.response), JSONValue.Member("default", failure),
        ]
        value.append("responses", .object(responses))
        self.value = value
    }

    /// The first paragraph of a comment on one line, or its first sentence if the paragraph is long.
    private static func summary(of comment: String) -> String {
        let lines = comment.split(separator: "\n", omittingEmptySubsequences: false).prefix { !$0.isEmpty }
        let paragraph = lines.joined(separator: " ")
        guard paragraph.count > 120, let end = paragraph.firstRange(of: ". ") else { return paragraph }
        return String(paragraph[..<end.lowerBound]) + "."
    }

    // MARK: - Bodies

    private static func body(_ operation: HTTPOperation, _ schemas: inout OpenAPISchemas) -> JSONValue? {
        let input = operation.method.input
        if operation.rule.body.isEmpty { return nil }
        if isRaw(operation.rule.body, of: input, schemas) { return ["required": true, "content": ["*/*": [:]]] }
        let schema: JSONValue
        if operation.rule.body == "*" {
            // The path has these fields already.
            let bound = Set(
                operation.template.variables.compactMap { variable in
                    try? schemas.pool.message(input).field(named: variable.name)?.name
                })
            schema = bound.isEmpty ? schemas.message(input) : schemas.object(input, without: bound)
        } else {
            schema = field(operation.rule.body, of: input, &schemas)
        }
        return ["required": true, "content": ["application/json": ["schema": schema]]]
    }

    private static func response(_ operation: HTTPOperation, _ schemas: inout OpenAPISchemas) -> JSONValue {
        let output = operation.method.output
        let name = operation.rule.responseBody
        if isRaw(name, of: output, schemas) {
            return ["description": "The body, of the type in its head.", "content": ["*/*": [:]]]
        }
        let schema = name.isEmpty ? schemas.message(output) : field(name, of: output, &schemas)
        guard operation.method.isServerStreaming else {
            return ["description": "The response.", "content": ["application/json": ["schema": schema]]]
        }
        return [
            "description": """
            A stream of responses, in the form that the header `Accept` names: lines of JSON, the data of events with the name \
            `message`, or the elements of an array.
            """,
            "content": [
                "application/x-ndjson": ["schema": schema],
                "text/event-stream": ["schema": schema],
                "application/json": ["schema": ["type": "array", "items": schema]],
            ],
        ]
    }

    /// Whether a body has the bytes of a `google.api.HttpBody`: a message, or one of its fields.
    private static func isRaw(_ name: String, of message: String, _ schemas: OpenAPISchemas) -> Bool {
        if message == httpBody { return true }
        guard let field = try? schemas.pool.message(message).field(named: name), !field.isRepeated else { return false }
        return field.kind == .message(httpBody, isDelimited: false)
    }

    private static func field(_ name: String, of message: String, _ schemas: inout OpenAPISchemas) -> JSONValue {
        guard let field = try? schemas.pool.message(message).field(named: name) else { return [:] }
        return schemas.field(field, of: message)
    }
}
