/// A schema as a program declares it, where there is no descriptor: for routes of its own, and responses in another form.
package indirect enum OpenAPISchema: Hashable, Sendable {
    /// A type of JSON Schema: `string`.
    case type(String)
    /// Any value.
    case any
    case array(OpenAPISchema)
    case object([Property], required: [String])
    /// A message by its full name, in protobuf's JSON.
    case message(String)
    /// A schema as text.
    case text(String)
    /// The schema that a response has without a change.
    case unchanged

    package struct Property: Hashable, Sendable {
        package var name: String
        package var schema: OpenAPISchema

        package init(_ name: String, _ schema: OpenAPISchema) {
            self.name = name
            self.schema = schema
        }
    }
}

extension OpenAPISchemas {
    /// The schema that a program has declared.
    ///
    /// - Parameters:
    ///   - schema: The declaration.
    ///   - unchanged: The schema that ``OpenAPISchema/unchanged`` stands for.
    ///   - name: The declared thing, for errors.
    /// - Throws: ``RoutingError`` if a message is not known, or a text is no JSON.
    mutating func declared(
        _ schema: OpenAPISchema, unchanged: JSONValue = [:], in name: String
    ) throws(RoutingError) -> JSONValue {
        switch schema {
        case .type(let type): return ["type": .string(type)]
        case .any: return [:]
        case .array(let element):
            return ["type": "array", "items": try declared(element, unchanged: unchanged, in: name)]
        case .object(let properties, let required):
            var members: [JSONValue.Member] = []
            for property in properties {
                members.append(
                    JSONValue.Member(property.name, try declared(property.schema, unchanged: unchanged, in: name)))
            }
            var object: JSONValue = ["type": "object", "properties": .object(members)]
            if !required.isEmpty { object.append("required", .array(required.map(JSONValue.string))) }
            return object
        case .message(let message):
            guard form(of: message) != nil else {
                throw RoutingError("\(name): the descriptors that the App serves have no message \(message)")
            }
            return self.message(message)
        case .text(let text):
            do throws(DescriptorError) {
                return try JSONParser.parse(text)
            } catch {
                throw RoutingError("\(name): the schema cannot be read: \(error.message)")
            }
        case .unchanged: return unchanged
        }
    }
}
