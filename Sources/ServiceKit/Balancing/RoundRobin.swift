private import Synchronization

/// One node after the other.
///
/// Begins at a random node, so that many clients that start at once do not begin with the same. Weights do not count.
public final class RoundRobin: Balancer {
    private struct State {
        var nodes = NodeList()
        var next: Int
    }

    private let state: Mutex<State>

    /// Creates a balancer.
    ///
    /// - Parameter start: The place of the first node, from 0; any by default.
    public init(startingAt start: Int = .random(in: 0..<(1 << 16))) {
        state = Mutex(State(next: max(0, start)))
    }

    /// Takes a change of the nodes. They are called in the order in which they came; when a node leaves, the last takes
    /// its place.
    public func update(_ change: NodeChange) {
        state.withLock { $0.nodes.apply(change) }
    }

    /// The next node; a node to avoid is passed over when there is another.
    public func pick(for request: PickRequest) -> Node? {
        state.withLock { state in
            let nodes = state.nodes
            let count = nodes.count
            if count == 0 { return nil }
            let start = state.next % count
            // Of more nodes than there are to avoid, one need not be avoided: the search ends there.
            let end = start + Swift.min(count, request.avoid.count + 1)
            let index = (start..<end).first { !request.avoids(nodes[$0 % count]) } ?? start
            state.next = index + 1
            return nodes[index % count]
        }
    }
}
