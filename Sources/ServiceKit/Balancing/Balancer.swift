/// Chooses the node that a call goes to.
///
/// One balancer serves one channel. Many tasks call it at once. The channel keeps the nodes' ``NodeStatistics``, whatever
/// the balancer; a balancer that wants to know more of a call implements ``CallObserver/ended(_:)``.
public protocol Balancer: CallObserver {
    /// Takes a change of the nodes that can be called. The first change comes before the first pick.
    ///
    /// A fleet that starts sends one change for each node: keep what a change costs independent of the number of nodes.
    func update(_ change: NodeChange)

    /// Chooses a node.
    ///
    /// - Returns: A node that can be called, or `nil` when there is none. The channel calls it at once.
    func pick(for request: PickRequest) -> Node?
}

/// What is known of a call when its node is chosen.
public struct PickRequest: Sendable {
    /// The called operation: `/user.v1.UserService/GetUser`.
    public var path: String
    /// Ids of instances that failed this call before; they are chosen only when there is no other.
    public var avoid: [String]
    /// The time, as ``NodeStatistics/now`` has it.
    public var now: UInt64

    /// Creates a request.
    public init(path: String, avoid: [String] = [], now: UInt64 = NodeStatistics.now) {
        self.path = path
        self.avoid = avoid
        self.now = now
    }

    /// Whether a node has failed this call before.
    public func avoids(_ node: Node) -> Bool {
        !avoid.isEmpty && avoid.contains(node.instance.id)
    }
}
