private import Synchronization

/// One node after the other.
///
/// Begins at a random node, so that many clients starting at once do not begin with the same. Weights do not count, but
/// a node of weight 0 is not called while there is another.
public final class RoundRobin: Balancer {
    private struct State {
        var nodes: [Node] = []
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

    /// Takes the nodes; they are called in the order given.
    public func update(_ nodes: [Node]) {
        let weighty = nodes.filter { $0.instance.weight > 0 }
        state.withLock { $0.nodes = weighty.isEmpty ? nodes : weighty }
    }

    /// The next node; one to be avoided is passed over when there is another.
    public func pick(for request: PickRequest) -> Pick? {
        state.withLock { state in
            let count = state.nodes.count
            if count == 0 { return nil }
            let start = state.next % count
            let index = (start..<start + count).first { !request.avoids(state.nodes[$0 % count]) } ?? start
            state.next = index + 1
            return Pick(node: state.nodes[index % count])
        }
    }

    /// Learns nothing.
    public func ended(_ pick: Pick, with outcome: CallOutcome) {}
}
