private import Synchronization

/// One node after the other.
///
/// Begins at a random node, so that many clients starting at once do not begin with the same. Weights do not count, but
/// a node of weight 0 is not called while there is another.
public final class RoundRobin: Balancer {
    private struct State {
        var nodes = NodeList()
        /// The nodes of weight 0.
        var idle = NodeList()
        var next: Int
    }

    private let state: Mutex<State>

    /// Creates a balancer.
    public convenience init() {
        self.init(startingAt: Int.random(in: 0..<(1 << 16)))
    }

    init(startingAt start: Int) {
        state = Mutex(State(next: start))
    }

    /// Takes a change of the nodes. They are called in the order in which they came; when one leaves, the last takes its
    /// place.
    public func update(_ change: NodeChange) {
        state.withLock { state in
            for node in change.removed {
                state.nodes.remove(node)
                state.idle.remove(node)
            }
            for node in change.added {
                if node.instance.weight > 0 {
                    state.idle.remove(node)
                    state.nodes.insert(node)
                } else {
                    state.nodes.remove(node)
                    state.idle.insert(node)
                }
            }
        }
    }

    /// The next node; one to be avoided is passed over when there is another.
    public func pick(for request: PickRequest) -> Node? {
        state.withLock { state in
            let nodes = state.nodes.isEmpty ? state.idle : state.nodes
            let count = nodes.count
            if count == 0 { return nil }
            let start = state.next % count
            // Of more nodes than are avoided, one is none of those: longer it need not look.
            let end = start + Swift.min(count, request.avoid.count + 1)
            let index = (start..<end).first { !request.avoids(nodes[$0 % count]) } ?? start
            state.next = index + 1
            return nodes[index % count]
        }
    }
}
