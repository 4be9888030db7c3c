import GRPCCore

/// Suspends until the task is cancelled.
func untilCancelled() async throws {
    let (events, event) = AsyncStream.makeStream(of: Void.self)
    await withRPCCancellationHandler {
        for await _ in events {}
    } onCancelRPC: {
        event.finish()
    }
    throw CancellationError()
}
