/// A value of a node that depends on its calls in flight.
public struct NodeLoad: Hashable, Sendable {
    /// By the calls of this client.
    public var own: Double
    /// By the calls of all clients, if the node has reported them.
    public var total: Double?

    /// Creates a value.
    public init(own: Double, total: Double? = nil) {
        self.own = own
        self.total = total
    }

    /// The values of two nodes that can be compared: by the calls of all clients if both nodes have reported them.
    static func comparable(_ first: NodeLoad, _ second: NodeLoad) -> (Double, Double) {
        if let firstTotal = first.total, let secondTotal = second.total { return (firstTotal, secondTotal) }
        return (first.own, second.own)
    }
}
