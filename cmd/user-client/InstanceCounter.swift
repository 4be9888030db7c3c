import ServiceKit
import Synchronization

/// Counts the calls that each instance served: a client middleware.
final class InstanceCounter: Middleware {
    private let served = Mutex<[String: Int]>([:])

    /// Calls by instance id.
    var counts: [String: Int] { served.withLock(\.self) }

    func beginCalling(_ call: inout Call) {
        call.onEnd { _, result in
            guard result.error == nil, let id = result.node?.instance.id else { return }
            self.served.withLock { $0[id, default: 0] += 1 }
        }
    }
}
