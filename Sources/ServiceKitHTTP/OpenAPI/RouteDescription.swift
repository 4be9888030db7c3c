public import HTTPTypes
internal import ServiceKitProtobuf

/// A route of one's own in the OpenAPI document.
///
/// ```swift
/// let avatar = RouteDescription(
///     "The picture of a user.", parameters: [.query("size", .integer, "The width in pixels.")],
///     responses: [.init(.ok, .bytes("image/png"), "The picture.")])
/// ```
///
/// Errors that the route throws are described without a word. Nothing checks that the route keeps to its description.
public struct RouteDescription: Sendable {
    /// A parameter. Those of the path are described as strings without a word.
    public struct Parameter: Sendable {
        let parameter: OpenAPIRoute.Parameter

        /// A variable of the path.
        public static func path(_ name: String, _ schema: RouteSchema, _ note: String? = nil) -> Parameter {
            Parameter(parameter: .init(name, in: "path", schema.schema, note, isRequired: true))
        }

        /// A parameter in the query.
        public static func query(
            _ name: String, _ schema: RouteSchema, _ note: String? = nil, isRequired: Bool = false
        ) -> Parameter {
            Parameter(parameter: .init(name, in: "query", schema.schema, note, isRequired: isRequired))
        }

        /// A header.
        public static func header(
            _ name: String, _ schema: RouteSchema, _ note: String? = nil, isRequired: Bool = false
        ) -> Parameter {
            Parameter(parameter: .init(name, in: "header", schema.schema, note, isRequired: isRequired))
        }

        /// A cookie.
        public static func cookie(
            _ name: String, _ schema: RouteSchema, _ note: String? = nil, isRequired: Bool = false
        ) -> Parameter {
            Parameter(parameter: .init(name, in: "cookie", schema.schema, note, isRequired: isRequired))
        }
    }

    /// A response.
    public struct Response: Sendable {
        let response: OpenAPIRoute.Response

        /// A response.
        ///
        /// - Parameters:
        ///   - status: The status.
        ///   - content: The body; none by default.
        ///   - note: The meaning.
        ///   - headers: The meanings of its headers, by name.
        public init(
            _ status: HTTPResponse.Status, _ content: RouteContent? = nil, _ note: String,
            headers: KeyValuePairs<String, String> = [:]
        ) {
            response = OpenAPIRoute.Response(
                status.code, note, content?.content, headers: headers.map { OpenAPIHeader($0.key, $0.value) })
        }
    }

    /// The meaning in one line.
    public var summary: String?
    /// All that there is to say.
    public var details: String?
    /// The parameters.
    public var parameters: [Parameter]
    /// The body of requests; none by default.
    public var request: RouteContent?
    /// The responses but errors.
    public var responses: [Response]
    /// Whether callers should use another route; false by default.
    public var isDeprecated = false
    /// Whether the document has the route; true by default.
    public var isListed = true

    /// A description.
    ///
    /// - Parameters:
    ///   - summary: The meaning in one line.
    ///   - details: All that there is to say.
    ///   - parameters: The parameters.
    ///   - request: The body of requests.
    ///   - responses: The responses but errors.
    public init(
        _ summary: String? = nil, details: String? = nil, parameters: [Parameter] = [], request: RouteContent? = nil,
        responses: [Response] = []
    ) {
        self.summary = summary
        self.details = details
        self.parameters = parameters
        self.request = request
        self.responses = responses
    }

    /// For a route that the document does not have.
    public static var unlisted: RouteDescription {
        var description = RouteDescription()
        description.isListed = false
        return description
    }

    var declaration: OpenAPIRoute.Declaration {
        var declaration = OpenAPIRoute.Declaration()
        declaration.summary = summary
        declaration.details = details
        declaration.parameters = parameters.map(\.parameter)
        declaration.request = request?.content
        declaration.responses = responses.map(\.response)
        declaration.isDeprecated = isDeprecated
        return declaration
    }
}
