public import HTTPTypes

/// A request to a route.
public struct RouteRequest: Sendable {
    /// The method, the target and the headers.
    public let head: HTTPRequest
    /// The variables of the route's path by name, unescaped.
    public let parameters: [String: String]
    /// The client's address: `ipv4:10.0.0.1:50123`.
    public let peer: String
    /// The body, as it comes.
    public let body: RequestBody
    private let query: QueryItems

    init(head: HTTPRequest, parameters: [String: String], query: QueryItems, peer: String, body: RequestBody) {
        self.head = head
        self.parameters = parameters
        self.query = query
        self.peer = peer
        self.body = body
    }

    /// The value of an item of the query, unescaped: the last if there are several; `nil` if there is none.
    public func queryItem(_ name: String) -> String? { query[name] }
}
