/// One place where calls can be sent: an instance, at one of its endpoints.
///
/// When an instance's labels change, a new node takes the old one's place, with the same ``statistics``: they are the
/// identity of the place, for as long as the instance stays at its endpoint.
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
    ///   - statistics: How calls to the place went so far.
    public init(instance: ServiceInstance, endpoint: Endpoint, statistics: NodeStatistics = NodeStatistics()) {
        self.instance = instance
        self.endpoint = endpoint
        self.statistics = statistics
    }
}
