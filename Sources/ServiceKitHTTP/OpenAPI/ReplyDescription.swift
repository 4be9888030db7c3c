public import HTTPTypes
internal import ServiceKitProtobuf

/// A change of a method's responses (``HTTPRoutes/adjust(_:describedBy:_:)``) in the OpenAPI document.
///
/// ```swift
/// let envelope = ReplyDescription(body: .object(["code": .integer, "data": .reply]))
/// ```
public struct ReplyDescription: Sendable {
    /// The status of responses that go well; without it the status stays.
    public var status: HTTPResponse.Status?
    /// The media type of bodies; without it the type stays.
    public var contentType: String?
    /// The body of responses that go well; without it the body stays. ``RouteSchema/reply`` is the body before the change.
    public var body: RouteSchema?
    /// The body of errors; without it the body stays. ``RouteSchema/reply`` is the body before the change.
    public var error: RouteSchema?
    /// The meanings of headers of responses that go well, by name.
    public var headers: KeyValuePairs<String, String>

    /// A description.
    ///
    /// - Parameters:
    ///   - status: The status of responses that go well.
    ///   - contentType: The media type of bodies.
    ///   - body: The body of responses that go well.
    ///   - error: The body of errors.
    ///   - headers: The meanings of headers of responses that go well, by name.
    public init(
        status: HTTPResponse.Status? = nil, contentType: String? = nil, body: RouteSchema? = nil,
        error: RouteSchema? = nil, headers: KeyValuePairs<String, String> = [:]
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.error = error
        self.headers = headers
    }

    var reply: OpenAPIReply {
        OpenAPIReply(
            status: status?.code, contentType: contentType, body: body?.schema, error: error?.schema,
            headers: headers.map { OpenAPIHeader($0.key, $0.value) })
    }
}
