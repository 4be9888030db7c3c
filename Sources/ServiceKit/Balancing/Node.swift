/// One place where calls can be sent: an instance, at one of its endpoints.
///
/// When an instance's labels change, a new node takes the old one's place, with the same ``statistics``: they are the
/// identity of the place, for as long as the instance stays at its endpoint.
public final class Node: Sendable {
    // First, as each pick reads it: it lies beside the count of references, which a pick touches too.
    /// How calls to it went.
    public let statistics: NodeStatistics
    /// The instance, as it was when the node was made.
    public let instance: ServiceInstance
    /// The endpoint that calls go to.
    public let endpoint: Endpoint
    /// The share of traffic relative to other nodes: that of the instance, or less while the node starts slowly, see
    /// ``SlowStart``.
    public let weight: Int
    /// The channel's part of the node, so that it finds the connection of a picked node without a look-up.
    package let attachment: (any AnyObject & Sendable)?

    /// Creates a node.
    ///
    /// - Parameters:
    ///   - instance: The instance.
    ///   - endpoint: Which of its endpoints.
    ///   - statistics: How calls to the place went so far.
    public convenience init(
        instance: ServiceInstance,
        endpoint: Endpoint,
        statistics: NodeStatistics = NodeStatistics()
    ) {
        self.init(instance: instance, endpoint: endpoint, statistics: statistics, attachment: nil)
    }

    /// Creates a node of a channel.
    package init(
        instance: ServiceInstance,
        endpoint: Endpoint,
        statistics: NodeStatistics,
        weight: Int? = nil,
        attachment: (any AnyObject & Sendable)?
    ) {
        self.weight = weight ?? instance.weight
        self.instance = instance
        self.endpoint = endpoint
        self.statistics = statistics
        self.attachment = attachment
    }
}
