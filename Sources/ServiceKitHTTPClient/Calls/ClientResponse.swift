public import HTTPTypes
internal import ServiceKit

/// The response to a call over HTTP.
public struct ClientResponse: Sendable {
    /// The status, also one that is an error: 404.
    public let status: HTTPResponse.Status
    /// The headers.
    public let headers: HTTPFields
    /// The body, as it comes. The call ends with it, or when the response is forgotten.
    public let body: ResponseContent
    let maxErrorBytes: Int

    /// Checks the status.
    ///
    /// - Returns: The response itself, if its status is below 400.
    /// - Throws: `ServiceError` with the status as its code. Reason, message and metadata are those of the body if it has the
    ///   form of go-kratos or of `google.rpc.Status`.
    @discardableResult
    public func requireSuccess() async throws -> ClientResponse {
        guard status.code >= 400 else { return self }
        throw ServiceError(status: status, document: try await body.collect(upTo: maxErrorBytes))
    }
}
