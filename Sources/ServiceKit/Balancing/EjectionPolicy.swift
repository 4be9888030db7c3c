/// Takes nodes out of the balancer's sight by how calls to them go, and puts them back: outlier detection, a circuit
/// breaker for each node.
///
/// The channel asks for an observer of each node that it connects to. The observer gets the reports of the attempts on
/// its node, and goes with the node: state that is kept in it needs no key and no bound.
///
/// ```swift
/// /// Ejects a node for ten seconds after five failures in a row.
/// struct ConsecutiveFailures: EjectionPolicy {
///     final class Observer: CallObserver {
///         private let failures = Atomic(0)
///         private let ejector: Ejector
///
///         init(_ ejector: Ejector) { self.ejector = ejector }
///
///         func ended(_ report: CallReport) {
///             switch report.outcome {
///             case .refused, .ignored: break
///             case .success: failures.store(0, ordering: .relaxed)
///             case .failure:
///                 if failures.add(1, ordering: .relaxed).newValue >= 5 { ejector.eject(for: .seconds(10)) }
///             }
///         }
///     }
///
///     func observer(of node: Node, _ ejector: Ejector) -> any CallObserver { Observer(ejector) }
/// }
/// ```
public protocol EjectionPolicy: Sendable {
    /// Makes the observer of a node. Called before the channel connects to the node.
    ///
    /// - Parameters:
    ///   - node: The node. Later nodes with the same ``Node/statistics`` are the same place with other labels: the observer
    ///     gets the reports of those too.
    ///   - ejector: Ejects the node and puts it back.
    /// - Returns: The observer.
    func observer(of node: Node, _ ejector: Ejector) -> any CallObserver
}

/// Takes one node out of the balancer's sight, and puts it back.
///
/// A node that is ejected gets calls only when no other node is ready: an ejection makes a bad node's service no worse.
/// Each policy's ejections count by themselves: a node is back when none of them lasts. An ejection stays when the
/// connection is lost, and ends when the instance leaves or moves to another address.
public struct Ejector: Sendable {
    private let setEnd: @Sendable (Duration) -> Void

    /// Creates an ejector, as a test of a policy needs one.
    ///
    /// - Parameter setEnd: Takes the time from now until the node is back; 0 puts it back.
    public init(_ setEnd: @escaping @Sendable (_ duration: Duration) -> Void) {
        self.setEnd = setEnd
    }

    /// Ejects the node, in place of an earlier ejection by the same policy.
    ///
    /// - Parameter duration: How long, from now. The node is then put back by itself.
    public func eject(for duration: Duration) {
        setEnd(duration)
    }

    /// Puts the node back before its time.
    public func restore() {
        setEnd(.zero)
    }
}
