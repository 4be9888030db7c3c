/// A change of the nodes that a balancer chooses from.
public struct NodeChange: Sendable {
    /// The nodes that are not to be picked any more.
    public var removed: [Node]
    /// The nodes that can be picked now. A node whose instance's id is known takes the place of the earlier node: the
    /// instance's labels have changed.
    public var added: [Node]

    /// Creates a change.
    public init(removed: [Node] = [], added: [Node] = []) {
        self.removed = removed
        self.added = added
    }
}
