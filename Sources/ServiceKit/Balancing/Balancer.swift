/// Picks the node that an attempt of a call goes to.
///
/// A channel has one balancer for the nodes in service, one for the nodes of weight 0 and one for the ejected nodes; it asks
/// the next when an earlier one has no node. When the balancer's name or options change while an App runs, new balancers
/// get all nodes, and the old ones are dropped. Many tasks call a balancer at once. The channel keeps the nodes'
/// ``NodeStatistics``, whatever the balancer; a balancer that wants to know more of a call implements
/// ``CallObserver/ended(_:)``, and hears of the attempts that it picked the node for.
///
/// Key state of your own by `node.instance.id`: at any time a balancer has one node for an id. A node whose labels have
/// changed is added with the same id and the same ``Node/statistics``. An instance that has moved to another address is
/// removed, and added with new statistics. Drop the state when the node is removed. Offline instances and
/// unreachable instances never come to a balancer.
public protocol Balancer: CallObserver {
    /// Takes a change of the nodes to choose from.
    ///
    /// A fleet that starts sends one change for each node: keep what a change costs independent of the number of nodes.
    func update(_ change: NodeChange)

    /// Picks a node.
    ///
    /// - Returns: A node that was added and not removed, or `nil` when there is none. The channel calls the node at
    ///   once.
    func pick(for request: PickRequest) -> Node?

    /// Where the key of a call is that picks go by; by default they go by none.
    var keySource: PickKeySource { get }

    /// Makes the statistics of a new node: ``NodeStatistics/init(decay:)`` with the time that suits the balancer, by
    /// default 600 ms.
    func makeStatistics() -> NodeStatistics
}

extension Balancer {
    /// Picks go by no key.
    public var keySource: PickKeySource { .none }

    /// Makes statistics that forget within 600 ms.
    public func makeStatistics() -> NodeStatistics { NodeStatistics() }
}

/// The facts of a call that are known when its node is picked.
public struct PickRequest: Sendable {
    /// The called operation: `/user.v1.UserService/GetUser`.
    public var operation: String
    /// Ids of instances that failed this call before; a balancer picks one of them only when it has no other.
    public var avoid: [String]
    /// The hash of the call's key, the same in every process; `nil` if the call has no key, or the balancer goes by none.
    public var key: UInt64?
    /// The lane of the call, if calls keep to lanes (`client.lanes`) and the call has one.
    package var lane: String?
    /// Whether the nodes of the call's lane alone can serve it.
    package var keepsToLane = false
    /// The time, as ``NodeStatistics/now`` has it.
    public var now: UInt64

    /// Creates a request.
    public init(
        operation: String, avoid: [String] = [], key: String? = nil, now: UInt64 = NodeStatistics.now
    ) {
        self.init(operation: operation, avoid: avoid, keyHash: key.map(KeyHash.hash), now: now)
    }

    /// Creates a request for the hash of a key.
    package init(operation: String, avoid: [String], keyHash: UInt64?, now: UInt64 = NodeStatistics.now) {
        self.operation = operation
        self.avoid = avoid
        self.key = keyHash
        self.now = now
    }

    /// Whether a node has failed this call before.
    public func avoids(_ node: Node) -> Bool {
        !avoid.isEmpty && avoid.contains(node.instance.id)
    }
}
