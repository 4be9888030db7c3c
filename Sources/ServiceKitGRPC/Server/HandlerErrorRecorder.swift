internal import GRPCCore
internal import GRPCNghttp2Transport

/// Keeps the error that a handler threw, which gRPC turns into a status without saying what it was, for the middleware,
/// and gives gRPC the status that stands for it.
struct HandlerErrorRecorder: ServerInterceptor {
    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>,
        context: ServerContext,
        next:
            @Sendable (_ request: StreamingServerRequest<Input>, _ context: ServerContext) async throws ->
            StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
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
        (context.transportSpecific as? Nghttp2ServerTransport.Context)?.handlerFailed(error)
        return RPCError(describing: error)
    }
}
