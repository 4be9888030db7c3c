/// One place where calls can be sent: an instance, at one of its endpoints.
///
/// A node keeps its identity, and with it what is known of its speed, for as long as the endpoint stays the same.
public final class Node: Sendable {
    /// The instance, as it was when the node was made.
    public let instance: ServiceInstance
    /// The endpoint that calls go to.
    public let endpoint: Endpoint
    /// How calls to it went.
    public let statistics: NodeStatistics

    /// Creates a node.
    ///
    /// - Parameters:
    ///   - instance: The instance.
    ///   - endpoint: Which of its endpoints.
    ///   - statistics: What is known already, when the node replaces one with the same endpoint.
    public init(instance: ServiceInstance, endpoint: Endpoint, statistics: NodeStatistics = NodeStatistics()) {
        self.instance = instance
        self.endpoint = endpoint
        self.statistics = statistics
    }
}

extension Node {
    /// Those of some nodes that calls may go to: nodes of weight 0 are left out, unless there is no other.
    package static func withWeight(_ nodes: [Node]) -> [Node] {
        let weighty = nodes.filter { $0.instance.weight > 0 }
        return weighty.isEmpty ? nodes : weighty
    }
}
