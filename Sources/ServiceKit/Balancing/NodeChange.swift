/// A change of the nodes that can be called.
public struct NodeChange: Sendable {
    /// The nodes that can be called no longer.
    public var removed: [Node]
    /// The nodes that can be called now. One that has the instance of an earlier node takes that one's place: the
    /// instance's labels have changed.
    public var added: [Node]

    /// Creates a change.
    public init(removed: [Node] = [], added: [Node] = []) {
        self.removed = removed
        self.added = added
    }

    /// Whether nothing changes.
    public var isEmpty: Bool { removed.isEmpty && added.isEmpty }
}
