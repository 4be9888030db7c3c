internal import GRPCCore
internal import GRPCNghttp2Transport

/// Checks requests that can be checked, and keeps the error that a handler threw for the middleware around its call. Without middleware it gives GRPCCore the
/// status that stands for the error.
struct HandlerErrorRecorder: ServerInterceptor {
    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>,
        context: ServerContext,
        next:
            @Sendable @concurrent (_ request: StreamingServerRequest<Input>, _ context: ServerContext) async throws ->
            StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        var request = request
        let check = MessageCheck<Input>()
        if check.isNeeded {
            request.messages = RPCAsyncSequence(
                wrapping: request.messages.map { message in
                    try check(message)
                    return message
                }
            )
        }
        let response: StreamingServerResponse<Output>
        do {
            response = try await next(request, context)
        } catch {
            throw Self.record(error, context)
        }
        guard case .success(var contents) = response.accepted else { return response }
        let producer = contents.producer
        // A stream is written after this function has returned.
        contents.producer = { writer in
            do {
                return try await producer(writer)
            } catch {
                throw Self.record(error, context)
            }
        }
        return StreamingServerResponse(accepted: .success(contents))
    }

    private static func record(_ error: any Error, _ context: ServerContext) -> RPCError {
        let transport = context.transportSpecific as? Nghttp2ServerTransport.Context
        // The middleware's result is converted, once, in place of this error.
        if transport?.handlerFailed(error) == true { return kept }
        return RPCError(describing: error)
    }

    private static let kept = RPCError(code: .unknown, message: "the handler failed")
}
