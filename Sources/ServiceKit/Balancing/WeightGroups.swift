internal import HeapModule

/// Nodes, grouped by their weights, and the order of their turns; see ``WeightedRoundRobin``.
struct WeightGroups: ~Copyable {
    /// A random part of a turn is one of so many.
    private static let parts = 1 << 16
    /// How often a node's report is looked at, in nanoseconds: A58's `weight_update_period`.
    private static let lookInterval: UInt64 = 1_000_000_000
    /// The factor of a report in a weight.
    private static let factors = 0.1...10

    private struct Member {
        var node: Node
        var reported = ReportedWeight()
        /// When its report is looked at next.
        var nextLook: UInt64 = 0
    }

    /// The weights of a group.
    private struct Key: Hashable {
        /// The weight that the registry has.
        let weight: Int
        /// The step of ``ReportedWeight``; `nil` for nodes that have none.
        var step: Int?
    }

    private struct Group {
        let key: Key
        /// The weight of the key's step; 0 if it has none.
        let reported: Double
        var members: [Member] = []
        /// The place of the next node.
        var next: Int
        /// When the next turn ends. In a unit of time, a node of weight 1 has a turn: for 2⁵³ turns a deadline is precise.
        var deadline: Double

        /// The place of the next node that is not to be avoided; `nil` if all are.
        func place(avoiding request: PickRequest) -> Int? {
            let count = members.count
            // Of more nodes than there are to avoid, one need not be avoided: the search ends there.
            let end = next + min(count, request.avoid.count + 1)
            return (next..<end).first { !request.avoids(members[$0 % count].node) }
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
    /// The places of the groups.
    private var indices: [Key: Int] = [:]
    /// The groups of the nodes, and their places there, by the ids of their instances.
    private var places: [String: (key: Key, index: Int)] = [:]
    /// The turns of the groups, unless a group has left.
    private var turns = Heap<Turn>()
    private var hasGroupLeft = false
    /// The deadline of the last turn.
    private var now = 0.0
    /// The steps of the nodes with a reported weight.
    private var reported = MedianStep()
    private let options: WeightedRoundRobin.Options
    private var random: SplitMix64

    init(_ options: WeightedRoundRobin.Options, random: SplitMix64) {
        self.options = options
        self.random = random
    }

    // MARK: - Changes

    /// Takes a change.
    mutating func apply(_ change: NodeChange) {
        for node in change.removed { _ = remove(node.instance.id) }
        for node in change.added { put(node) }
    }

    private mutating func put(_ node: Node) {
        // Nodes of weight 0, which have a balancer of their own, are all alike. A heavier node counts as the heaviest.
        let weight = min(max(node.weight, 1), WeightedList.maximumWeight)
        var key = Key(weight: weight, step: nil)
        var member = Member(node: node)
        if let place = places[node.instance.id], let group = indices[place.key] {
            let last = groups[group].members[place.index]
            // With other statistics it is another place, whose load is not known.
            if last.node.statistics === node.statistics {
                (member.reported, member.nextLook, key.step) = (last.reported, last.nextLook, place.key.step)
            }
            if key == place.key {
                groups[group].members[place.index] = member
                return
            }
            _ = remove(node.instance.id)
        }
        insert(member, key)
    }

    private mutating func insert(_ member: Member, _ key: Key) {
        if let step = key.step { reported.add(step) }
        if let index = indices[key] {
            places[member.node.instance.id] = (key, groups[index].members.count)
            groups[index].members.append(member)
            return
        }
        var group = Group(
            key: key,
            reported: key.step.map(ReportedWeight.weight) ?? 0,
            members: [member],
            next: random.next(below: Self.parts),
            deadline: now
        )
        group.deadline += period(of: group) * Double(1 + random.next(below: Self.parts)) / Double(Self.parts)
        places[member.node.instance.id] = (key, 0)
        indices[key] = groups.count
        turns.insert(Turn(deadline: group.deadline, group: groups.count))
        groups.append(group)
    }

    private mutating func remove(_ id: String) -> Member? {
        guard let (key, place) = places.removeValue(forKey: id), let index = indices[key] else { return nil }
        if let step = key.step { reported.remove(step) }
        let member = groups[index].members[place]
        // The last node takes its place.
        let last = groups[index].members.removeLast()
        if place < groups[index].members.count {
            groups[index].members[place] = last
            places[last.node.instance.id] = (key, place)
        }
        guard groups[index].members.isEmpty else { return member }
        // The last group takes its place.
        indices[key] = nil
        let lastGroup = groups.removeLast()
        if index < groups.count {
            groups[index] = lastGroup
            indices[lastGroup.key] = index
        }
        hasGroupLeft = true
        return member
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
            if let place = groups[turn.group].place(avoiding: request) {
                now = max(now, turn.deadline)
                let node = takeTurn(turn.group, at: place, request.now)
                if !passed.isEmpty { turns.insert(contentsOf: passed) }
                return node
            }
            passed.append(turns.removeMin())
        }
        turns.insert(contentsOf: passed)
        // Each node is to be avoided: the first in turn is called all the same.
        return turns.min.map { takeTurn($0.group, at: groups[$0.group].next, request.now) }
    }

    /// Gives the first group its turn.
    private mutating func takeTurn(_ group: Int, at place: Int, _ now: UInt64) -> Node {
        let index = place % groups[group].members.count
        let node = groups[group].members[index].node
        groups[group].next = index + 1
        groups[group].deadline += period(of: groups[group])
        turns.replaceMin(with: Turn(deadline: groups[group].deadline, group: group))
        if now >= groups[group].members[index].nextLook { look(group, index, at: now) }
        return node
    }

    /// The time between two turns of a group.
    private func period(of group: borrowing Group) -> Double {
        var weight = Double(group.key.weight)
        // One node alone tells nothing: there is none to compare it to.
        if group.reported > 0, reported.count > 1 {
            let factor = group.reported / reported.weight
            weight *= min(max(factor, Self.factors.lowerBound), Self.factors.upperBound)
        }
        return 1 / (weight * Double(group.members.count))
    }

    // MARK: - Reports

    /// Looks at a node's last report, and moves the node to the group of its weight.
    private mutating func look(_ group: Int, _ index: Int, at now: UInt64) {
        groups[group].members[index].nextLook = now + Self.lookInterval
        let member = groups[group].members[index]
        var reported = member.reported
        if let (report, time) = member.node.statistics.lastReport { reported.take(report, at: time, options) }
        groups[group].members[index].reported = reported
        var key = groups[group].key
        key.step = reported.step(at: now, options)
        guard key != groups[group].key, let member = remove(member.node.instance.id) else { return }
        insert(member, key)
    }
}
