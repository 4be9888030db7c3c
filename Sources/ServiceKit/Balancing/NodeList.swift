/// The nodes that can be called, in no order.
///
/// A list for balancers: a change costs the same for any number of nodes.
public struct NodeList: RandomAccessCollection, Sendable {
    private var nodes: [Node] = []
    /// The places of the nodes, by the ids of their instances.
    private var indices: [String: Int] = [:]

    /// Creates a list without nodes.
    public init() {}

    /// The first place.
    public var startIndex: Int { 0 }
    /// The place behind the last one.
    public var endIndex: Int { nodes.count }
    /// The node at a place.
    public subscript(position: Int) -> Node { nodes[position] }

    /// Takes a change.
    public mutating func apply(_ change: NodeChange) {
        for node in change.removed { remove(node) }
        for node in change.added { insert(node) }
    }

    /// Adds a node, in the place of the earlier node of the same instance.
    private mutating func insert(_ node: Node) {
        if let index = indices[node.instance.id] {
            nodes[index] = node
        } else {
            indices[node.instance.id] = nodes.count
            nodes.append(node)
        }
    }

    /// Removes the node of the same instance, if there is one. The last node takes its place.
    private mutating func remove(_ node: Node) {
        guard let index = indices.removeValue(forKey: node.instance.id) else { return }
        let last = nodes.removeLast()
        guard index < nodes.count else { return }
        nodes[index] = last
        indices[last.instance.id] = index
    }
}
