import GRPCCore
import Testing

@testable import GRPCNghttp2Transport

/// Returns when `condition` holds. If it never does, the time limit of the suite ends the wait, and the issue tells
/// which one it was.
func eventually(sourceLocation: SourceLocation = #_sourceLocation, _ condition: @Sendable () -> Bool) async throws {
    while !condition() {
        if Task.isCancelled {
            Issue.record("this never came to hold", sourceLocation: sourceLocation)
            throw CancellationError()
        }
        await Task.yield()
    }
}

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
