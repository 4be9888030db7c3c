/// A change of the nodes that a balancer chooses from.
public struct NodeChange: Sendable {
    /// The nodes that are not to be picked any more.
    public var removed: [Node]
    /// The nodes that can be picked now. A node takes the place of the earlier node with the same instance's id: the
    /// instance's labels have changed.
    public var added: [Node]

    /// Creates a change.
    public init(removed: [Node] = [], added: [Node] = []) {
        self.removed = removed
        self.added = added
    }
}
