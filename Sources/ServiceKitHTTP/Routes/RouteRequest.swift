public import HTTPTypes
import ServiceKitHTTP2

/// A request to a route.
public struct RouteRequest: Sendable {
    /// The variables of the route's path by name, unescaped.
    public let parameters: [String: String]
    /// The client's address: `ipv4:10.0.0.1:50123`.
    public let peer: String
    /// The body, as it comes.
    public let body: RequestBody
    private let headers: HeaderBlock
    private let query: String

    /// - Parameters:
    ///   - headers: The head, in HTTP/2's form.
    ///   - query: The query, as it came.
    init(headers: HeaderBlock, parameters: [String: String], query: String, peer: String, body: RequestBody) {
        self.headers = headers
        self.parameters = parameters
        self.query = query
        self.peer = peer
        self.body = body
    }

    /// The method, the target and the headers. Each use makes it anew: a handler that needs it often keeps it.
    public var head: HTTPRequest { HTTPRequest(headers) }

    /// The value of an item of the query, unescaped: the last if there are several; `nil` if there is none.
    public func queryItem(_ name: String) -> String? { query.isEmpty ? nil : QueryItems(query)[name] }
}
