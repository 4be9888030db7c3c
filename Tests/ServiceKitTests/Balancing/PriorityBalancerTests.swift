import Synchronization
import Testing

@testable import ServiceKit

/// The balancers of the priorities, and the moves of nodes between them.
@Suite struct PriorityBalancerTests {
    /// Counts the nodes that updates name.
    private final class Counter: Balancer {
        private let list = Mutex(NodeList())
        let updated = Atomic(0)

        func update(_ change: NodeChange) {
            updated.add(change.added.count + change.removed.count, ordering: .relaxed)
            list.withLock { $0.apply(change) }
        }

        func pick(for request: PickRequest) -> Node? {
            list.withLock { list in list.first { !request.avoids($0) } ?? list.first }
        }
    }

    private func balancer() -> PriorityBalancer { PriorityBalancer(PerPriority { _ in RoundRobin(startingAt: 0) }) }

    private func change(_ moves: (Node, from: NodePriority?, to: NodePriority?)...) -> PriorityBalancer.Change {
        moves.reduce(into: PriorityBalancer.Change()) { $0.move($1.0, from: $1.from, to: $1.0, $1.to) }
    }

    private func picks(_ balancer: PriorityBalancer, _ count: Int, avoid: [String] = []) -> Set<String> {
        Set(
            (0..<count).compactMap { _ in
                balancer.pick(for: PickRequest(operation: "/", avoid: avoid))?.node.instance.id
            })
    }

    @Test func nodesOfALaterPriorityArePickedOnlyWhenThereIsNoOther() {
        let balancer = balancer()
        let (busy, idle, bad) = (node("busy"), node("idle", weight: 0), node("bad"))
        #expect(balancer.pick(for: request) == nil)
        balancer.update(change((bad, nil, .ejected)))
        #expect(picks(balancer, 3) == ["bad"])
        balancer.update(change((idle, nil, .standby)))
        #expect(picks(balancer, 3) == ["idle"])
        balancer.update(change((busy, nil, .regular)))
        #expect(picks(balancer, 3) == ["busy"])
        #expect(picks(balancer, 3, avoid: ["busy"]) == ["busy"])
        balancer.update(change((busy, .regular, nil), (idle, .standby, .regular)))
        #expect(picks(balancer, 3) == ["idle"])
        balancer.update(change((idle, .regular, .ejected)))
        #expect(picks(balancer, 3) == ["idle", "bad"])
    }

    /// A retry must not go back to the node that has failed the call, as long as another one is in service.
    @Test func aCallThatHasFailedInTheOwnZoneGoesToAnotherZone() {
        let balancer = balancer()
        let (near, far) = (node("near"), node("far"))
        balancer.update(change((near, nil, .regular), (far, nil, .elsewhere)))
        #expect(picks(balancer, 3) == ["near"])
        #expect(picks(balancer, 3, avoid: ["near"]) == ["far"])
        #expect(picks(balancer, 3, avoid: ["near", "far"]) == ["near"])
        balancer.setOwnShare(0)
        #expect(picks(balancer, 3) == ["far"])
        #expect(picks(balancer, 3, avoid: ["far"]) == ["near"])
        // A node that an operator has taken out, or that is ejected, gets no call more.
        balancer.update(change((far, .elsewhere, .standby)))
        #expect(picks(balancer, 3, avoid: ["near"]) == ["near"])
    }

    /// The balancer that is asked in vain learns that its node is not called.
    @Test func aPickThatIsNotUsedIsGivenBack() {
        final class Ends: Balancer {
            let node: Node
            let open = Atomic(0)
            init(_ node: Node) { self.node = node }
            func update(_ change: NodeChange) {}
            func pick(for request: PickRequest) -> Node? {
                open.add(1, ordering: .relaxed)
                return node
            }
            func ended(_ report: CallReport) { open.subtract(1, ordering: .relaxed) }
        }
        let (near, far) = (Ends(node("near")), Ends(node("far")))
        let balancer = PriorityBalancer(PerPriority { $0 == .regular ? near : far })
        balancer.update(change((near.node, nil, .regular), (far.node, nil, .elsewhere)))
        let request = PickRequest(operation: "/", avoid: ["near"])
        #expect(balancer.pick(for: request)?.node.instance.id == "far")
        #expect(near.open.load(ordering: .relaxed) == 0 && far.open.load(ordering: .relaxed) == 1)
        #expect(balancer.pick(for: PickRequest(operation: "/", avoid: ["near", "far"]))?.node.instance.id == "near")
        #expect(near.open.load(ordering: .relaxed) == 1 && far.open.load(ordering: .relaxed) == 1)
    }

    /// The base lane serves only where the lane is empty: not because its nodes are in another zone.
    @Test func aLaneIsLookedForInAllZones() {
        func laned(_ id: String, _ lane: String?) -> Node {
            let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.1", port: 9000)
            let instance = ServiceInstance(
                id: id, name: "user", metadata: lane.map { ["lane": $0] } ?? [:], endpoints: [endpoint])
            return Node(instance: instance, endpoint: endpoint)
        }
        let balancer = PriorityBalancer(
            PerPriority { _ in
                LaneBalancer(label: "lane", base: RoundRobin(startingAt: 0)) { RoundRobin(startingAt: 0) }
            })
        func picks(_ lane: String?, avoid: [String] = []) -> Set<String> {
            Set(
                (0..<6).compactMap { _ in
                    var request = PickRequest(operation: "/", avoid: avoid)
                    request.lane = lane
                    return balancer.pick(for: request)?.node.instance.id
                })
        }
        let (base, blue) = (laned("base", nil), laned("blue", "blue"))
        balancer.update(change((base, nil, .regular), (blue, nil, .elsewhere)))
        #expect(picks(nil) == ["base"] && picks("blue") == ["blue"] && picks("red") == ["base"])
        // The lane keeps its calls, also those that failed.
        #expect(picks("blue", avoid: ["blue"]) == ["blue"])
        balancer.update(change((blue, .elsewhere, .ejected)))
        #expect(picks("blue") == ["base"])
        balancer.update(change((base, .regular, nil)))
        #expect(picks("blue") == ["blue"])
    }

    @Test func prioritiesThatAreSpentArePassedOver() {
        let balancer = balancer()
        balancer.update(
            change((node("own"), nil, .regular), (node("far"), nil, .elsewhere), (node("bad"), nil, .ejected)))
        #expect(balancer.pick(for: request)?.priority == .regular)
        #expect(balancer.pick(for: request, besides: [.regular])?.node.instance.id == "far")
        #expect(balancer.pick(for: request, besides: [.regular, .elsewhere])?.priority == .ejected)
        #expect(balancer.pick(for: request, besides: [.regular, .elsewhere, .ejected]) == nil)
        // Calls that spill over leave a spent zone alone too.
        balancer.setOwnShare(0)
        #expect(balancer.pick(for: request)?.priority == .elsewhere)
        #expect(balancer.pick(for: request, besides: [.elsewhere])?.priority == .regular)
    }

    @Test func aNodeWithNewLabelsTakesThePlaceOfTheOldNode() {
        let balancer = balancer()
        let (old, new) = (node("a", weight: 0), node("a"))
        balancer.update(change((old, nil, .standby), (node("b", weight: 0), nil, .standby)))
        var move = PriorityBalancer.Change()
        move.move(old, from: .standby, to: new, .regular)
        balancer.update(move)
        #expect(balancer.pick(for: request)?.node === new)
        balancer.update(change((new, .regular, nil)))
        #expect(picks(balancer, 3) == ["b"])
    }

    @Test func balancersThatAreReplacedHandAllNodesOver() {
        let balancer = balancer()
        let (busy, idle) = (node("busy"), node("idle", weight: 0))
        balancer.update(change((busy, nil, .regular), (idle, nil, .standby)))
        let next = PerPriority<any Balancer> { _ in RoundRobin(startingAt: 0) }
        balancer.replace(with: next, nodes: change((busy, nil, .regular), (idle, nil, .standby)))
        #expect(picks(balancer, 3) == ["busy"])
        #expect(balancer.pick(for: request)?.balancer as AnyObject === next[.regular] as AnyObject)
        balancer.update(change((busy, .regular, nil)))
        #expect(picks(balancer, 3) == ["idle"])
    }

    @Test func theReportGoesToTheBalancerThatPicked() throws {
        let balancer = balancer()
        balancer.update(change((node("idle", weight: 0), nil, .standby)))
        let standby = try #require(balancer.pick(for: request)).balancer
        balancer.update(change((node("busy"), nil, .regular)))
        let regular = try #require(balancer.pick(for: request)).balancer
        #expect(standby as AnyObject !== regular as AnyObject)
    }

    @Test func firstNodeOfAPriorityMovesNoOtherNode() {
        let counters = Mutex<[Counter]>([])
        let balancer = PriorityBalancer(
            PerPriority { _ in
                let counter = Counter()
                counters.withLock { $0.append(counter) }
                return counter
            })
        for number in 0..<1000 { balancer.update(change((node("\(number)", weight: 0), nil, .standby))) }
        let updated = { counters.withLock { $0.map { $0.updated.load(ordering: .relaxed) } } }
        #expect(updated().reduce(0, +) == 1000)
        let busy = node("busy")
        for _ in 0..<10 { balancer.update(change((busy, nil, .regular), (busy, .regular, nil))) }
        #expect(updated().reduce(0, +) == 1020)
    }

    @Test func sharedBalancerOfTwoPrioritiesLosesNoNode() {
        let shared = RoundRobin(startingAt: 0)
        let balancer = PriorityBalancer(PerPriority { _ in shared })
        let a = node("a")
        balancer.update(change((a, nil, .regular)))
        balancer.update(change((a, .regular, .ejected)))
        #expect(picks(balancer, 1) == ["a"])
    }
}
