internal import HeapModule

/// Nodes, grouped by their weights, and the order of their turns; see ``WeightedRoundRobin``.
struct WeightGroups: ~Copyable {
    /// A random part of a turn is one of so many.
    private static let parts = 1 << 16

    private struct Group {
        let weight: Int
        var nodes = NodeList()
        /// The place of the next node.
        var next: Int
        /// When the next turn ends. In a unit of time, a node of weight 1 has a turn: for 2⁵³ turns a deadline is precise.
        var deadline: Double

        /// The time between two turns.
        var period: Double { 1 / (Double(weight) * Double(nodes.count)) }

        mutating func takeTurn(avoiding request: PickRequest) -> Node? {
            let count = nodes.count
            // Of more nodes than there are to avoid, one need not be avoided: the search ends there.
            let end = next + min(count, request.avoid.count + 1)
            guard let place = (next..<end).first(where: { !request.avoids(nodes[$0 % count]) }) else { return nil }
            return takeTurn(at: place)
        }

        mutating func takeTurn(at place: Int) -> Node {
            let index = place % nodes.count
            next = index + 1
            deadline += period
            return nodes[index]
        }
    }

    /// The next turn of a group.
    private struct Turn: Comparable {
        let deadline: Double
        let group: Int

        static func < (left: Turn, right: Turn) -> Bool {
            (left.deadline, left.group) < (right.deadline, right.group)
        }
    }

    private var groups: [Group] = []
    /// The places of the groups, by their weights.
    private var indices: [Int: Int] = [:]
    /// The weights of the nodes, by the ids of their instances: a node may come back with another weight.
    private var weights: [String: Int] = [:]
    /// The turns of the groups, unless a group has left.
    private var turns = Heap<Turn>()
    private var hasGroupLeft = false
    /// The deadline of the last turn.
    private var now = 0.0
    private let random: SplitMix64

    init(random: consuming SplitMix64) {
        self.random = random
    }

    // MARK: - Changes

    /// Takes a change.
    mutating func apply(_ change: NodeChange) {
        for node in change.removed { remove(node) }
        for node in change.added { insert(node) }
    }

    private mutating func insert(_ node: Node) {
        // Nodes of weight 0, which have a balancer of their own, are all alike. A heavier node counts as the heaviest.
        let weight = min(max(node.weight, 1), WeightedList.maximumWeight)
        if let last = weights[node.instance.id], last != weight { remove(node) }
        weights[node.instance.id] = weight
        if let index = indices[weight] {
            groups[index].nodes.apply(NodeChange(added: [node]))
            return
        }
        var group = Group(weight: weight, next: random.next(below: Self.parts), deadline: now)
        group.nodes.apply(NodeChange(added: [node]))
        group.deadline += group.period * Double(1 + random.next(below: Self.parts)) / Double(Self.parts)
        indices[weight] = groups.count
        turns.insert(Turn(deadline: group.deadline, group: groups.count))
        groups.append(group)
    }

    private mutating func remove(_ node: Node) {
        guard let weight = weights.removeValue(forKey: node.instance.id), let index = indices[weight] else { return }
        groups[index].nodes.apply(NodeChange(removed: [node]))
        guard groups[index].nodes.isEmpty else { return }
        // The last group takes its place.
        indices[weight] = nil
        let last = groups.removeLast()
        if index < groups.count {
            groups[index] = last
            indices[last.weight] = index
        }
        hasGroupLeft = true
    }

    // MARK: - Turns

    /// The node that has the next turn.
    mutating func next(avoiding request: PickRequest) -> Node? {
        if hasGroupLeft {
            turns = Heap(groups.indices.map { Turn(deadline: groups[$0].deadline, group: $0) })
            hasGroupLeft = false
        }
        // Groups with no node but those to avoid.
        var passed: [Turn] = []
        while let turn = turns.min {
            if let node = groups[turn.group].takeTurn(avoiding: request) {
                now = max(now, turn.deadline)
                turns.replaceMin(with: Turn(deadline: groups[turn.group].deadline, group: turn.group))
                if !passed.isEmpty { turns.insert(contentsOf: passed) }
                return node
            }
            passed.append(turns.removeMin())
        }
        turns.insert(contentsOf: passed)
        // Each node is to be avoided: the first in turn is called all the same.
        guard let turn = turns.min else { return nil }
        let node = groups[turn.group].takeTurn(at: groups[turn.group].next)
        turns.replaceMin(with: Turn(deadline: groups[turn.group].deadline, group: turn.group))
        return node
    }
}
