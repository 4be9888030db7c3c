public import HTTPTypes
public import ServiceKit

/// The response to a call over REST that has one response, before it is sent.
public struct RESTReply: Sendable {
    /// Changes a response.
    public typealias Adjustment = @Sendable (_ reply: inout RESTReply) -> Void

    /// The method: `/user.v1.UserService/CreateUser`.
    public let operation: String
    /// The error of the call; `nil` if it went well.
    public let error: ServiceError?
    /// The status: 200, or the error's. A response with the status 204 is sent without its body.
    public var status: HTTPResponse.Status
    /// Headers beside those that the handler has set as metadata.
    public var headers: HTTPFields = [:]
    /// The body's media type.
    public var contentType: String
    /// The body: the message as JSON, or the error.
    public var body: [UInt8]
}

extension HTTPRoutes {
    /// Changes the responses of methods over REST: the status, headers and cookies, or the body's envelope.
    ///
    /// ```swift
    /// app.http.adjust("/user.v1.UserService/CreateUser") { reply in
    ///     if reply.error == nil { reply.status = .created }
    /// }
    /// ```
    ///
    /// Streams, Connect and gRPC-Web have forms of their own, which stay as they are.
    ///
    /// - Parameters:
    ///   - operations: The methods, as configuration writes them: one, a service (`/user.v1.UserService/`), or `*` for all.
    ///   - description: The change in the OpenAPI document, which shows none without it.
    ///   - adjustment: Changes a response. Several changes of a method are made in the order in which they were added.
    public func adjust(
        _ operations: String, describedBy description: ReplyDescription? = nil,
        _ adjustment: @escaping RESTReply.Adjustment
    ) {
        add(OperationRule(pattern: operations), description, adjustment)
    }
}
