public import ServiceKit
import Synchronization

/// Refuses calls beyond a number that a server serves at once, so that it answers fast instead of slowly.
public final class CallLimit: Middleware {
    private let limit: Int
    private let calls = Atomic(0)

    /// - Parameter limit: How many calls are served at once.
    public init(_ limit: Int) {
        self.limit = limit
    }

    /// Refuses the call, or counts it until it ends.
    public func beginServing(_ call: inout Call) throws {
        guard calls.add(1, ordering: .relaxed).newValue <= limit else {
            calls.subtract(1, ordering: .relaxed)
            throw ServiceError(.tooManyRequests, reason: "SERVER_BUSY", message: "\(limit) calls are being served")
        }
        call.onEnd { [self] _, _ in calls.subtract(1, ordering: .relaxed) }
    }
}
