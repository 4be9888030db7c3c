internal import GRPCCore
private import Synchronization

/// Keeps the error that a handler threw, which gRPC turns into a status without saying what it was, for the middleware,
/// and gives gRPC the status that stands for it.
struct HandlerErrorRecorder: ServerInterceptor {
    private final class Record: Sendable {
        let error = Mutex<(any Error)?>(nil)
    }

    @TaskLocal private static var record: Record?

    /// Runs the handling of a call.
    ///
    /// - Throws: What the handler threw, if it did.
    static func recording(_ body: () async -> Void) async throws {
        let record = Record()
        await $record.withValue(record) { await body() }
        if let error = record.error.withLock(\.self) { throw error }
    }

    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>,
        context: ServerContext,
        next:
            @Sendable (_ request: StreamingServerRequest<Input>, _ context: ServerContext) async throws ->
            StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        let record = Self.record
        let response: StreamingServerResponse<Output>
        do {
            response = try await next(request, context)
        } catch {
            record?.error.withLock { $0 = error }
            throw RPCError(describing: error)
        }
        guard case .success(var contents) = response.accepted else { return response }
        let producer = contents.producer
        // A stream is written after this function has returned.
        contents.producer = { writer in
            do {
                return try await producer(writer)
            } catch {
                record?.error.withLock { $0 = error }
                throw RPCError(describing: error)
            }
        }
        return StreamingServerResponse(accepted: .success(contents))
    }
}
