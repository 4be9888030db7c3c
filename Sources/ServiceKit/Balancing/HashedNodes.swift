/// Nodes that share the keys of calls by their weights; see ``ConsistentHash``.
struct HashedNodes: Sendable {
    /// How often a key is hashed.
    static let probes = 8
    /// A heavier node counts as this heavy, so that no weight in a registry makes a ring too large.
    static let maximumWeight = 1000
    /// So many calls of one client overload no node that is well: with few calls in flight, the bound would else move most keys.
    static let freeLoad = 4
    /// A node with fewer failed calls that have not faded, and a latency of at most so many times the mean, is well.
    private static let faded = 0.5
    private static let slowness = 2.0
    /// The weight of a call in the mean latency.
    private static let latencyWeight = 0.01
    /// How many points of nodes without room are passed over. When that many have none, as in an outage, the key's own node is
    /// as good as another.
    static let maximumPasses = 64

    private struct Member {
        var node: Node
        /// The number of its points on the ring.
        var weight: Int
        /// Its calls that have been picked and not ended.
        var load = 0
    }

    private var ring = HashRing()
    /// The members by their owners' numbers on the ring; `nil` for a number that is free.
    private var members: [Member?] = []
    private var freeNumbers: [Int] = []
    /// The members' numbers, by the ids of their instances.
    private var numbers: [String: Int] = [:]
    private var totalWeight = 0
    private var totalLoad = 0
    /// The mean latency of the calls of all nodes, in nanoseconds; 0 while unknown.
    private var meanLatency = 0.0
    /// The slots and points that picks have looked at.
    private(set) var looks = 0

    // MARK: - Changes

    /// Takes a change. It costs as much as the points of its nodes.
    mutating func apply(_ change: NodeChange) {
        for node in change.removed { remove(node) }
        for node in change.added { insert(node) }
    }

    private mutating func insert(_ node: Node) {
        // Nodes of weight 0, which have a balancer of their own, are all alike.
        let weight = min(max(node.weight, 1), Self.maximumWeight)
        var member = Member(node: node, weight: weight)
        if let number = numbers[node.instance.id], let old = members[number] {
            if old.node.statistics === node.statistics { member.load = old.load }
            if old.weight == weight {
                totalLoad += member.load - old.load
                members[number] = member
                return
            }
            remove(old.node)
        }
        let number = freeNumbers.popLast() ?? members.count
        if number == members.count { members.append(member) } else { members[number] = member }
        numbers[node.instance.id] = number
        totalWeight += weight
        totalLoad += member.load
        let hash = KeyHash.hash(node.instance.id)
        for point in 0..<weight { ring.insert(KeyHash.number(point, of: hash), owner: number) }
    }

    private mutating func remove(_ node: Node) {
        guard let number = numbers.removeValue(forKey: node.instance.id), let member = members[number] else { return }
        let hash = KeyHash.hash(node.instance.id)
        for point in 0..<member.weight { ring.remove(KeyHash.number(point, of: hash), owner: number) }
        totalWeight -= member.weight
        totalLoad -= member.load
        members[number] = nil
        freeNumbers.append(number)
    }

    // MARK: - Picks

    /// The node of a key; a node behind it if that one is to be avoided, or has its share of the calls.
    ///
    /// - Parameters:
    ///   - key: The hash of the key.
    ///   - request: The nodes to avoid.
    ///   - loadFactor: How many times its share of the calls a node may have; `nil` for no bound.
    /// - Returns: The node, whose load counts one more; `nil` when there is none.
    mutating func pick(_ key: UInt64, avoiding request: PickRequest, loadFactor: Double?) -> Node? {
        guard let first = slot(of: key) else { return nil }
        var slot = first
        var fallback: HashRing.Slot?
        var passes = 0
        repeat {
            if let member = members[ring.owner(at: slot)], !request.avoids(member.node) {
                if hasRoom(member, loadFactor, at: request.now) { return take(slot) }
                fallback = fallback ?? slot
                passes += 1
            }
            slot = ring.next(after: slot, &looks)
        } while slot != first && passes < Self.maximumPasses
        return take(fallback ?? first)
    }

    private mutating func slot(of key: UInt64) -> HashRing.Slot? {
        var searches = InlineArray<8, HashRing.Search>(repeating: HashRing.Search())
        for probe in 0..<Self.probes { searches[probe] = ring.begin(KeyHash.number(probe, of: key)) }
        var best: (slot: HashRing.Slot, distance: UInt64)?
        for probe in 0..<Self.probes {
            guard let found = ring.find(searches[probe], &looks) else { return nil }
            if found.distance < best?.distance ?? .max { best = found }
        }
        return best?.slot
    }

    private func hasRoom(_ member: Member, _ loadFactor: Double?, at now: UInt64) -> Bool {
        guard let loadFactor else { return true }
        let share = Double(member.weight) / Double(totalWeight)
        let bound = (loadFactor * Double(totalLoad + 1) * share).rounded(.up)
        // Failed calls are load until they have faded: a node that fails at once would else always have room.
        let (failed, latency) = member.node.statistics.trouble(at: now)
        let isWell = failed < Self.faded && latency <= Self.slowness * meanLatency
        return isWell ? Double(member.load) < max(Double(Self.freeLoad), bound) : Double(member.load) + failed < bound
    }

    private mutating func take(_ slot: HashRing.Slot) -> Node? {
        let number = ring.owner(at: slot)
        members[number]?.load += 1
        totalLoad += 1
        return members[number]?.node
    }

    /// A call of a node has ended.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - latency: How long it took if it succeeded, in nanoseconds; else `nil`.
    mutating func ended(_ node: Node, latency: UInt64?) {
        if let latency {
            let weight = meanLatency == 0 ? 1 : Self.latencyWeight
            meanLatency += (Double(latency) - meanLatency) * weight
        }
        guard let number = numbers[node.instance.id], let member = members[number],
            member.node.statistics === node.statistics, member.load > 0
        else { return }
        members[number]?.load -= 1
        totalLoad -= 1
    }
}
