internal import ServiceKitProtobuf
public import SwiftProtobuf

/// The schema of a value in the OpenAPI document, where no `.proto` file has one.
public struct RouteSchema: Sendable {
    let schema: OpenAPISchema

    /// A string.
    public static var string: RouteSchema { RouteSchema(schema: .type("string")) }

    /// A whole number.
    public static var integer: RouteSchema { RouteSchema(schema: .type("integer")) }

    /// A number.
    public static var number: RouteSchema { RouteSchema(schema: .type("number")) }

    /// True or false.
    public static var boolean: RouteSchema { RouteSchema(schema: .type("boolean")) }

    /// Any value.
    public static var any: RouteSchema { RouteSchema(schema: .any) }

    /// The schema of a response before its change: for ``ReplyDescription``. Elsewhere it is any value.
    public static var reply: RouteSchema { RouteSchema(schema: .unchanged) }

    /// An array of values of one schema.
    public static func array(of element: RouteSchema) -> RouteSchema { RouteSchema(schema: .array(element.schema)) }

    /// An object.
    ///
    /// - Parameters:
    ///   - properties: The schemas of its members, by name.
    ///   - required: The members that it always has.
    public static func object(
        _ properties: KeyValuePairs<String, RouteSchema>, required: [String] = []
    ) -> RouteSchema {
        RouteSchema(
            schema: .object(
                properties.map { OpenAPISchema.Property($0.key, $0.value.schema) }, required: required))
    }

    /// A message in the JSON that SwiftProtobuf writes. The descriptors of a service that the App serves must have it.
    public static func message<Type: Message>(_ type: Type.Type) -> RouteSchema {
        RouteSchema(schema: .message(Type.protoMessageName))
    }

    /// A schema of JSON Schema 2020-12, as text: `{"type": "string", "maxLength": 10}`.
    public static func json(_ text: String) -> RouteSchema { RouteSchema(schema: .text(text)) }
}

/// A body in the OpenAPI document.
public struct RouteContent: Sendable {
    let content: OpenAPIRoute.Content

    /// JSON of a schema.
    public static func json(_ schema: RouteSchema) -> RouteContent {
        RouteContent(content: OpenAPIRoute.Content("application/json", schema.schema))
    }

    /// A message as JSON, as SwiftProtobuf writes it.
    public static func message<Type: Message>(_ type: Type.Type) -> RouteContent { .json(.message(type)) }

    /// Bytes of a media type: `image/png`.
    public static func bytes(_ mediaType: String) -> RouteContent {
        RouteContent(content: OpenAPIRoute.Content(mediaType, nil))
    }

    /// A body of a media type with a schema: `multipart/form-data` with an object.
    public static func content(_ mediaType: String, _ schema: RouteSchema) -> RouteContent {
        RouteContent(content: OpenAPIRoute.Content(mediaType, schema.schema))
    }
}
