import ServiceKit
import Synchronization

/// Counts the calls that each instance served: a middleware of a client.
final class InstanceCounter: Middleware {
    private let served = Mutex<[String: Int]>([:])

    /// Calls by instance id.
    var counts: [String: Int] { served.withLock(\.self) }

    func handle(_ call: Call, next: Next) async throws -> CallResult {
        let result = try await next(call)
        if let id = result.servedBy?.id { served.withLock { $0[id, default: 0] += 1 } }
        return result
    }
}
