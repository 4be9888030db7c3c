import Testing

@testable import ServiceKit

@Suite struct ConsistentHashTests {
    private func balancer(_ nodes: [Node], loadFactor: Double? = nil) -> ConsistentHash {
        var options = ConsistentHash.Options()
        options.loadFactor = loadFactor
        let balancer = ConsistentHash(options: options, seed: 1)
        balancer.add(nodes)
        return balancer
    }

    private func nodes(_ count: Int) -> [Node] { (0..<count).map { node("node-\($0)") } }

    private func pick(_ balancer: ConsistentHash, _ key: String?, avoid: [String] = []) -> Node? {
        balancer.pick(for: PickRequest(operation: "/", avoid: avoid, key: key))
    }

    /// The nodes' ids of the keys `key-0`, `key-1` and so on.
    private func owners(_ balancer: ConsistentHash, _ count: Int) -> [String] {
        (0..<count).map { pick(balancer, "key-\($0)")?.instance.id ?? "" }
    }

    private func end(_ balancer: ConsistentHash, _ node: Node) {
        balancer.ended(CallReport(node: node, operation: "/", outcome: .success))
    }

    // MARK: - Keys

    @Test func emptyBalancerPicksNothing() {
        #expect(pick(ConsistentHash(), "a") == nil)
        #expect(pick(ConsistentHash(), nil) == nil)
    }

    @Test func keyHasTheSameNodeInEachClientInWhateverOrderTheNodesCame() {
        let nodes = nodes(20)
        let other = balancer(nodes.reversed() + [node("gone")])
        other.remove([node("gone")])
        #expect(owners(balancer(nodes), 1000) == owners(other, 1000))
    }

    @Test func nodesShareTheKeysEvenly() {
        let keys = 40_000
        let shares = Dictionary(grouping: owners(balancer(nodes(20)), keys)) { $0 }.mapValues(\.count)
        #expect(shares.count == 20)
        for share in shares.values { #expect((1800...2200).contains(share), "of 2000") }
    }

    @Test func nodesShareTheKeysByTheirWeights() {
        let nodes = [node("a", weight: 300), node("b", weight: 100), node("c", weight: 200)]
        let owners = owners(balancer(nodes), 12_000)
        #expect((5500...6500).contains(owners.count { $0 == "a" }))
        #expect((1750...2250).contains(owners.count { $0 == "b" }))
    }

    @Test(arguments: [5, 20, 100]) func nodeThatJoinsTakesItsShareAndNoOtherKeyMoves(_ count: Int) {
        let balancer = balancer(nodes(count))
        let keys = 20_000
        let before = owners(balancer, keys)
        balancer.add([node("new")])
        let after = owners(balancer, keys)
        let moved = zip(before, after).filter { $0 != $1 }
        #expect(moved.allSatisfy { $1 == "new" })
        #expect(Double(moved.count) <= 1.1 * Double(keys) / Double(count + 1))
        #expect(Double(moved.count) >= 0.85 * Double(keys) / Double(count + 1))
        balancer.remove([node("new")])
        #expect(owners(balancer, keys) == before)
    }

    @Test func callWithoutAKeyGoesToAnyNode() {
        let balancer = balancer(nodes(5))
        #expect(Set((0..<200).compactMap { _ in pick(balancer, nil)?.instance.id }).count == 5)
    }

    @Test func nodeToAvoidIsPassedOverForTheNextOfTheKey() throws {
        let balancer = balancer(nodes(5))
        let first = try #require(pick(balancer, "a")).instance.id
        let second = try #require(pick(balancer, "a", avoid: [first])).instance.id
        #expect(second != first)
        #expect(pick(balancer, "a", avoid: [first])?.instance.id == second)
        #expect(pick(balancer, "a", avoid: nodes(5).map(\.instance.id))?.instance.id == first)
    }

    @Test func changedLabelsKeepTheKeysAndANewWeightMovesSome() throws {
        let balancer = balancer(nodes(5))
        let before = owners(balancer, 2000)
        balancer.add([node("node-3")])
        #expect(owners(balancer, 2000) == before)
        balancer.add([node("node-3", weight: 50)])
        let after = owners(balancer, 2000)
        #expect(zip(before, after).allSatisfy { $0 == $1 || $0 == "node-3" })
        #expect(after.count { $0 == "node-3" } < before.count { $0 == "node-3" } * 3 / 4)
    }

    @Test func absurdWeightsHaveBounds() {
        let balancer = balancer([node("a", weight: 1_000_000_000), node("b", weight: .max), node("c", weight: -1)])
        let owners = owners(balancer, 4000)
        #expect((1800...2200).contains(owners.count { $0 == "a" }))
        #expect((130...260).contains(owners.count { $0 == "c" }), "a weight that is none counts as 100")
    }

    // MARK: - Bounded load

    @Test(arguments: [1.25, 2.0]) func noNodeBearsMoreThanItsShare(_ factor: Double) {
        let nodes = nodes(10)
        let balancer = balancer(nodes, loadFactor: factor)
        var loads: [String: Int] = [:]
        // One hot key among others.
        for call in 1...2000 {
            let node = pick(balancer, call.isMultiple(of: 2) ? "hot" : "key-\(call)")
            loads[node?.instance.id ?? "", default: 0] += 1
            // Four calls are no load.
            let bound = max(4, (factor * Double(call) / 10).rounded(.up))
            #expect(loads.values.allSatisfy { Double($0) <= bound })
        }
        #expect(loads.count == 10)
    }

    @Test func keyIsBackWithItsNodeWhenTheLoadIsGone() throws {
        let balancer = balancer(nodes(4), loadFactor: 1.25)
        let home = try #require(pick(balancer, "hot"))
        var spilled: [Node] = []
        for _ in 0..<40 { spilled.append(try #require(pick(balancer, "hot"))) }
        #expect(Set(spilled.map(\.instance.id)).count == 4)
        for node in spilled + [home] { end(balancer, node) }
        for _ in 0..<10 {
            let node = try #require(pick(balancer, "hot"))
            #expect(node === home)
            end(balancer, node)
        }
    }

    @Test func keyLeavesANodeThatFailsUntilItsFailuresHaveFaded() throws {
        let nodes = nodes(5)
        let balancer = balancer(nodes, loadFactor: 1.25)
        func pick(at now: UInt64) throws -> Node {
            let node = try #require(balancer.pick(for: PickRequest(operation: "/", key: "user-1", now: now)))
            end(balancer, node)
            return node
        }
        let home = try pick(at: 1)
        for _ in 0..<3 { home.statistics.end(home.statistics.begin(at: 1), at: 1, with: .failure) }
        #expect(try pick(at: 2) !== home)
        // 3 · exp(-1.2) is less than a call.
        #expect(try pick(at: 720_000_000) === home)
    }

    @Test func loadOfANodeThatLeavesIsForgottenAndReportsOfStrangersCountForNothing() throws {
        let nodes = nodes(2)
        let balancer = balancer(nodes, loadFactor: 1.25)
        for _ in 0..<100 { _ = pick(balancer, "hot") }
        balancer.remove(nodes)
        for _ in 0..<100 { end(balancer, nodes[0]) }
        let again = self.nodes(2)
        balancer.add(again)
        for _ in 0..<100 { end(balancer, nodes[1]) }
        let first = try #require(pick(balancer, "hot"))
        for _ in 1..<4 { #expect(pick(balancer, "hot") === first) }
        #expect(pick(balancer, "hot") !== first)
    }

    /// With few calls in flight each node's share is less than a call.
    @Test func fewCallsStayWithTheirNodes() throws {
        let free = balancer(nodes(25), loadFactor: nil)
        let bounded = balancer(nodes(25), loadFactor: ConsistentHash.Options().loadFactor)
        var open: [Node] = []
        var away = 0
        for call in 0..<4000 {
            let node = try #require(pick(bounded, "key-\(call)"))
            let home = try #require(pick(free, "key-\(call)"))
            if node.instance.id != home.instance.id { away += 1 }
            open.append(node)
            // Twenty calls are in flight.
            if open.count > 20 { end(bounded, open.removeFirst()) }
        }
        #expect(away < 100, "\(away)")
    }

    /// The free calls of many clients would make the queue of a slow node long.
    @Test func aSlowNodeHasNoFreeCalls() throws {
        let nodes = nodes(4)
        let balancer = balancer(nodes, loadFactor: 1.25)
        let slow = try #require(pick(balancer, "hot"))
        end(balancer, slow)
        for node in nodes {
            let latency: UInt64 = node === slow ? 100_000_000 : 10_000_000
            node.statistics.end(node.statistics.begin(at: 1), at: 1 + latency, with: .success)
            let report = CallReport(node: node, operation: "/", latency: 10_000_000, outcome: .success)
            balancer.ended(report)
        }
        #expect(pick(balancer, "hot") === slow)
        #expect(pick(balancer, "hot") !== slow)
    }

    // MARK: - Cost

    @Test func pickAndChangeCostTheSameForAnyNumberOfNodes() {
        func looks(_ count: Int) -> Double {
            let balancer = balancer(nodes(count), loadFactor: 1.25)
            for call in 0..<5000 { _ = pick(balancer, "key-\(call)") }
            return Double(balancer.looks) / 5000
        }
        let few = looks(10)
        #expect(looks(10_000) < 1.5 * few)
        #expect(few < 60)
    }

    @Test func aPickLooksAtFewNodesWhenAllHaveFailed() {
        let nodes = nodes(300)
        let balancer = balancer(nodes, loadFactor: 1.25)
        for node in nodes {
            for _ in 0..<20 { node.statistics.end(node.statistics.begin(at: 1), at: 1, with: .failure) }
        }
        for call in 0..<1000 {
            #expect(balancer.pick(for: PickRequest(operation: "/", key: "key-\(call)", now: 2)) != nil)
        }
        #expect(balancer.looks < 1000 * 400)
    }
}
