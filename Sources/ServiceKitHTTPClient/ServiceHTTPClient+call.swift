internal import FoundationEssentials
public import HTTPTypes
internal import ServiceKit
public import SwiftProtobuf

extension ServiceHTTPClient {
    /// Makes a call with protobuf messages as JSON, as services of the kit and of go-kratos take them.
    ///
    /// ```swift
    /// let made: User_V1_User = try await users.call(.post, "/v1/users", request)
    /// ```
    /// - Parameters:
    ///   - method: The method.
    ///   - path: The path and the query, escaped.
    ///   - message: The body; none by default.
    ///   - reply: The type of the answer.
    ///   - headers: The headers; `accept` and `content-type` are added.
    ///   - operation: The name of the call, as `send` has it.
    ///   - timeout: How long the call may last.
    /// - Returns: The answer. Fields that its type does not have are passed over.
    /// - Throws: `ServiceError`: that of the service for a status of 400 or more, and all of `send`'s; `internalError` with
    ///   the reason `UNREADABLE_RESPONSE` for a body that is no such message.
    public nonisolated(nonsending) func call<Reply: Message>(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ message: (any Message)? = nil,
        as reply: Reply.Type = Reply.self,
        headers: HTTPFields = [:],
        operation: String? = nil,
        timeout: Duration? = nil
    ) async throws -> Reply {
        var (headers, body) = (headers, RequestContent.none)
        if headers[.accept] == nil { headers[.accept] = "application/json" }
        if let message {
            if headers[.contentType] == nil { headers[.contentType] = "application/json" }
            body = .bytes(try message.jsonUTF8Bytes())
        }
        let response = try await send(
            method, path, headers: headers, body: body, operation: operation, timeout: timeout
        ).requireSuccess()
        let bytes = try await response.body.collect(upTo: maxBody)
        var options = JSONDecodingOptions()
        options.ignoreUnknownFields = true
        do {
            return try bytes.isEmpty ? Reply() : Reply(jsonUTF8Bytes: bytes, options: options)
        } catch {
            throw ServiceError(
                .internalError, reason: "UNREADABLE_RESPONSE",
                message: "the answer to \(method) \(path) is no \(Reply.protoMessageName): \(error)")
        }
    }
}
