import ServiceKit
import Synchronization

/// Counts the calls that each instance served: a middleware of a client.
final class InstanceCounter: StepwiseMiddleware {
    private let served = Mutex<[String: Int]>([:])

    /// Calls by instance id.
    var counts: [String: Int] { served.withLock(\.self) }

    func begin(_ call: inout Call) -> CallEnded? {
        { outcome in
            guard case .success(let result) = outcome, let id = result.servedBy?.id else { return }
            self.served.withLock { $0[id, default: 0] += 1 }
        }
    }
}
