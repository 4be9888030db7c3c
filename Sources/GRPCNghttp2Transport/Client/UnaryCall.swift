package import GRPCCore

extension Nghttp2ClientTransport {
    /// Makes a call with one request and one response on the engine itself, without the tasks that a `GRPCClient` makes
    /// for every call: for a client that makes many calls, without interceptors and retries.
    ///
    /// - Parameters:
    ///   - request: The request's bytes.
    ///   - descriptor: The method to call.
    ///   - metadata: The request's metadata.
    ///   - deadline: When the call fails with `deadlineExceeded`; the server is told.
    /// - Returns: The response's bytes; `nil` if there is no connection at this moment: then nothing was sent.
    /// - Throws: `RPCError`.
    package func unary(
        _ request: [UInt8],
        descriptor: MethodDescriptor,
        metadata: Metadata,
        deadline: ContinuousClock.Instant
    ) async throws -> [UInt8]? {
        guard let stream = makeStreamNow(descriptor: descriptor, deadline: deadline) else { return nil }
        defer { stream.cancel() }
        stream.enqueue(.metadata(metadata))
        stream.enqueue(.message(request))
        stream.finish()
        var response: [UInt8]?
        while let part = try await stream.next() {
            switch part {
            case .metadata:
                continue
            case .message(let bytes):
                guard response == nil else {
                    throw RPCError(code: .internalError, message: "there is more than one response")
                }
                response = bytes
            case .status(let status, let metadata):
                if let code = RPCError.Code(status.code) {
                    throw RPCError(code: code, message: status.message, metadata: metadata)
                }
            }
        }
        guard let response else {
            throw RPCError(code: .internalError, message: "there is no response")
        }
        return response
    }
}
