internal import ServiceKit
private import Synchronization

/// The place that a node stands for: the connection to its endpoint, its circuit breaker, and the observers of the attempts
/// made there.
///
/// Each ``Node`` of a channel carries its place. So a pick costs no look-up, and a node whose labels change keeps it.
package final class NodePlace<Connection: NodeConnection>: Sendable {
    let connection: Connection
    let breaker = CircuitBreaker()
    private let observers: [any CallObserver]
    private let policies = AtomicLazyReference<NodeObservers>()

    /// - Parameters:
    ///   - connection: The connection to the endpoint.
    ///   - observers: Learn of the attempts.
    init(_ connection: Connection, observers: [any CallObserver]) {
        self.connection = connection
        self.observers = observers
    }

    /// Adds the observers of the ejection policies; called once.
    func observe(with policies: [any CallObserver]) {
        _ = self.policies.storeIfNil(NodeObservers(policies))
    }

    /// Tells the observers how an attempt went.
    func ended(_ report: CallReport) {
        for observer in observers { observer.ended(report) }
        guard let policies = policies.load() else { return }
        for policy in policies.list { policy.ended(report) }
    }
}

/// The observers of a node's attempts.
private final class NodeObservers: Sendable {
    let list: [any CallObserver]
    init(_ list: [any CallObserver]) { self.list = list }
}
