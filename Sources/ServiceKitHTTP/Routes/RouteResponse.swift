public import HTTPTypes

/// The response of a route.
public struct RouteResponse: Sendable {
    /// The status.
    public var status: HTTPResponse.Status
    /// The headers. `content-length` is added where the body is there as a whole. Headers of the connection, such as
    /// `transfer-encoding`, are the server's: they are left out.
    public var headers: HTTPFields
    /// The body. Responses to HEAD, and with the statuses 204 and 304, are sent without.
    public var body: ResponseBody

    /// A response.
    ///
    /// - Parameters:
    ///   - status: The status; 200 by default.
    ///   - headers: The headers; none by default.
    ///   - body: The body; none by default.
    public init(_ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], body: ResponseBody = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A response whose body is there as a whole.
    ///
    /// - Parameters:
    ///   - status: The status; 200 by default.
    ///   - body: The body.
    ///   - contentType: The body's media type: `image/png`.
    public init(_ status: HTTPResponse.Status = .ok, body: [UInt8], contentType: String) {
        var headers = HTTPFields()
        headers.append(HTTPField(name: .contentType, value: contentType))
        self.init(status, headers: headers, body: .bytes(body))
    }

    /// A response of text.
    ///
    /// - Parameters:
    ///   - status: The status; 200 by default.
    ///   - text: The text.
    ///   - contentType: The text's media type; plain text by default.
    public init(
        _ status: HTTPResponse.Status = .ok, text: String, contentType: String = "text/plain; charset=utf-8"
    ) {
        self.init(status, body: Array(text.utf8), contentType: contentType)
    }
}
