internal import Metrics
private import Synchronization

/// Counts the calls that one part of the kit refuses: for snapshots, and as the counter `servicekit.server.refused_calls` or
/// `servicekit.client.refused_calls`.
///
/// The counter goes to the backend that the program has bootstrapped when the first call is refused.
final class RefusalCount: Sendable {
    private let count = Atomic(0)
    private let counter: Lazily<Counter>

    /// - Parameters:
    ///   - side: The side that refuses.
    ///   - reason: The cause of refusals: `breaker`, `concurrency`, `rate`.
    ///   - service: The service called; `nil` on a server.
    ///   - factory: The backend; by default the bootstrapped one.
    init(_ side: Call.Side, reason: String, service: String? = nil, factory: (any MetricsFactory)? = nil) {
        counter = Lazily {
            let dimensions = [("reason", reason)] + (service.map { [("server.address", $0)] } ?? [])
            let side = side == .server ? "server" : "client"
            return Counter(
                label: "servicekit.\(side).refused_calls", dimensions: dimensions,
                factory: factory ?? MetricsSystem.factory)
        }
    }

    /// A call is refused.
    func add() {
        count.add(1, ordering: .relaxed)
        counter.value.increment()
    }

    /// The calls refused so far.
    var value: Int { count.load(ordering: .relaxed) }
}
