/// A change of a method's responses over REST, as a program declares it.
package struct OpenAPIReply: Hashable, Sendable {
    /// The status of responses that go well; `nil` for that without the change.
    package var status: Int?
    /// The media type of bodies; `nil` for that without the change.
    package var contentType: String?
    /// The body of responses that go well; `nil` for that without the change.
    package var body: OpenAPISchema?
    /// The body of errors; `nil` for that without the change.
    package var error: OpenAPISchema?
    /// The headers of responses that go well, with their meaning.
    package var headers: [OpenAPIHeader]

    package init(
        status: Int?, contentType: String?, body: OpenAPISchema?, error: OpenAPISchema?, headers: [OpenAPIHeader]
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.error = error
        self.headers = headers
    }
}

/// A header of responses.
package struct OpenAPIHeader: Hashable, Sendable {
    package var name: String
    package var note: String

    package init(_ name: String, _ note: String) {
        self.name = name
        self.note = note
    }
}

extension OpenAPIReply {
    /// Changes the responses of an operation.
    ///
    /// - Parameters:
    ///   - success: The response that goes well, with its status.
    ///   - failure: The response for errors.
    ///   - name: The operation, for errors.
    /// - Throws: ``RoutingError`` if a schema cannot be made.
    func apply(
        to success: inout (status: Int, response: JSONValue), _ failure: inout JSONValue, of name: String,
        _ schemas: inout OpenAPISchemas
    ) throws(RoutingError) {
        success.status = status ?? success.status
        success.response = try changed(success.response, body, name, &schemas)
        failure = try changed(failure, error, name, &schemas)
        // Such a response is sent without its body.
        if success.status == 204 { success.response.set("content", nil) }
        if !headers.isEmpty { success.response.set("headers", headers.json(with: success.response["headers"])) }
    }

    private func changed(
        _ response: JSONValue, _ body: OpenAPISchema?, _ name: String, _ schemas: inout OpenAPISchemas
    ) throws(RoutingError) -> JSONValue {
        guard body != nil || contentType != nil, case .object(let content)? = response["content"],
            let media = content.first
        else { return response }
        var schema = media.value["schema"]
        if let body { schema = try schemas.declared(body, unchanged: schema ?? [:], in: name) }
        // The bytes of a body of any type are no JSON, until a schema says so.
        let type = contentType ?? (media.name == "*/*" ? "application/json" : media.name)
        var response = response
        let value: JSONValue = schema.map { ["schema": $0] } ?? [:]
        response.set("content", .object([JSONValue.Member(type, value)]))
        return response
    }
}

extension [OpenAPIHeader] {
    /// The headers of a response, behind others.
    func json(with others: JSONValue? = nil) -> JSONValue {
        var value = others ?? [:]
        for header in self {
            value.set(header.name, ["description": .string(header.note), "schema": ["type": "string"]])
        }
        return value
    }
}
