/// Chooses the node that a call goes to, and learns how the call went.
///
/// One balancer serves one target. It is called from many tasks at once.
public protocol Balancer: Sendable {
    /// Takes the nodes that can be called now; called on every change, and before the first pick.
    func update(_ nodes: [Node])

    /// Chooses a node.
    ///
    /// - Returns: A node, from the latest update, or `nil` when that had none. ``ended(_:with:)`` is called with it.
    func pick(for request: PickRequest) -> Pick?

    /// Learns how a call went.
    func ended(_ pick: Pick, with outcome: CallOutcome)
}

/// What is known of a call when its node is chosen.
public struct PickRequest: Sendable {
    /// The called operation: `/user.v1.UserService/GetUser`.
    public var path: String
    /// Ids of instances that failed this call before; they are chosen only when there is no other.
    public var avoid: [String]

    /// Creates a request.
    public init(path: String, avoid: [String] = []) {
        self.path = path
        self.avoid = avoid
    }

    /// Whether a node has failed this call before.
    public func avoids(_ node: Node) -> Bool {
        !avoid.isEmpty && avoid.contains(node.instance.id)
    }
}

/// A chosen node, for one call.
public struct Pick: Sendable {
    /// The node.
    public let node: Node
    /// The node's call in flight, where the balancer keeps statistics.
    public let call: NodeStatistics.InFlight?

    /// Creates a pick.
    public init(node: Node, call: NodeStatistics.InFlight? = nil) {
        self.node = node
        self.call = call
    }
}

/// How a call went, as far as it speaks for or against the node.
public enum CallOutcome: Sendable {
    /// The node answered, be it with an error of the caller's making.
    case success
    /// The node could not be reached, was overloaded (503) or too slow (504).
    case failure
    /// The call says nothing of the node: the caller gave up.
    case ignored
}
