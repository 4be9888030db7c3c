import Foundation
import ServiceKitConfig
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(1)))
struct PowerOfTwoChoicesTests {
    static let three = ["a", "b", "c"]

    @Test func emptyBalancerPicksNothing() {
        #expect(PowerOfTwoChoices().pick(for: request) == nil)
    }

    @Test func singleNodeIsAlwaysPicked() {
        let simulation = SimulatedCalls([node("a")])
        #expect(simulation.call(10) { _ in (.seconds(1), .failure) } == ["a": 10])
    }

    @Test(arguments: [2, 3, 10, 100])
    func equalNodesShareTheCalls(count: Int) {
        let simulation = SimulatedCalls((0..<count).map { node("\($0)") })
        let calls = simulation.call(1000 * count)
        #expect(calls.count == count)
        for (_, share) in calls { #expect((850...1150).contains(share)) }
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func noNodeStarves(seed: UInt64) {
        let simulation = SimulatedCalls(Self.three.map { node($0) }, seed: seed)
        let calls = simulation.call(1000)
        for id in Self.three { #expect(calls[id, default: 0] > 250) }
    }

    @Test(arguments: [10, 50, 250, 1000])
    func aSlowNodeGetsFewCallsButSome(milliseconds: Int) {
        let simulation = SimulatedCalls(Self.three.map { node($0) })
        let calls = simulation.call(1000) { node in
            (.milliseconds(node.instance.id == "c" ? milliseconds : 1), .success)
        }
        #expect((1...30).contains(calls["c", default: 0]))
        #expect(calls["a", default: 0] > 400 && calls["b", default: 0] > 400)
    }

    @Test func recoveredNodeIsPickedAgain() {
        let simulation = SimulatedCalls(Self.three.map { node($0) })
        _ = simulation.call(1000) { node in (.milliseconds(node.instance.id == "c" ? 250 : 1), .success) }
        _ = simulation.call(3000)
        let calls = simulation.call(900)
        #expect(calls["c", default: 0] > 250)
    }

    @Test func failingNodeIsAvoided() {
        let simulation = SimulatedCalls(Self.three.map { node($0) })
        let calls = simulation.call(10_000) { node in (.milliseconds(1), node.instance.id == "c" ? .failure : .success)
        }
        // 10 s: the first call, and then one every 3 s.
        #expect((2...5).contains(calls["c", default: 0]))
    }

    @Test func failingNodeIsAvoidedWhenCallsAreRare() {
        // Each of 20 nodes is drawn once in 10 s: none has been called for 3 s.
        let simulation = SimulatedCalls((0..<20).map { node("\($0)") })
        let calls = simulation.call(4000, pause: .seconds(1)) { node in
            (.milliseconds(1), node.instance.id == "7" ? .failure : .success)
        }
        #expect((1...80).contains(calls["7", default: 0]))
    }

    @Test func hangingNodeIsAvoided() {
        let simulation = SimulatedCalls(Self.three.map { node($0) })
        _ = simulation.call(100)
        var hanging = 0
        for _ in 0..<1000 {
            guard let call = simulation.begin() else { continue }
            simulation.pass(.milliseconds(5))
            if call.node.instance.id == "c" {
                hanging += 1
            } else {
                simulation.end(call, with: .success)
            }
        }
        #expect((1...8).contains(hanging))
    }

    @Test func lessLoadedNodeIsPicked() {
        // No call ends: the calls in flight decide, and stay even.
        let nodes = Self.three.map { node($0) }
        let simulation = SimulatedCalls(nodes)
        for _ in 0..<300 { _ = simulation.begin() }
        for node in nodes { #expect((90...110).contains(node.statistics.inFlight)) }
    }

    @Test func aNewNodeIsTriedAtOnce() {
        let old = Self.three.map { node($0) }
        let simulation = SimulatedCalls(old)
        _ = simulation.call(300) { _ in (.milliseconds(20), .success) }
        simulation.balancer.add([node("new")])
        #expect(simulation.call(10)["new", default: 0] > 0)
    }

    @Test func statisticsOfANodeWithNewLabelsAreKept() {
        let slow = node("c")
        let simulation = SimulatedCalls([node("a"), node("b"), slow])
        let serve: (Node) -> (Duration, CallOutcome) = { (.milliseconds($0.instance.id == "c" ? 500 : 1), .success) }
        _ = simulation.call(100, serve)
        // The speed is the same, but the weight has changed: the node is new, its statistics are the same.
        simulation.balancer.add([node("c", weight: 50, statistics: slow.statistics)])
        #expect(simulation.call(100, serve)["c", default: 0] <= 2)
        #expect(slow.statistics.latency > 1e8)
    }

    // MARK: - Options

    @Test func maxIdleBoundsTheTimeWithoutACall() throws {
        var options = PowerOfTwoChoices.Options()
        options.maxIdle = .seconds(1)
        let simulation = SimulatedCalls(Self.three.map { node($0) }, options)
        let calls = simulation.call(10_000) { node in (.milliseconds(1), node.instance.id == "c" ? .failure : .success)
        }
        // 10 s: the first call, and then one a second.
        #expect((8...11).contains(calls["c", default: 0]))
    }

    @Test func latencyFloorHidesSmallDifferences() {
        var options = PowerOfTwoChoices.Options()
        options.latencyFloor = .seconds(10)
        let simulation = SimulatedCalls(Self.three.map { node($0) }, options)
        let calls = simulation.call(3000) { node in (.milliseconds(node.instance.id == "c" ? 100 : 1), .success) }
        #expect(calls["c", default: 0] > 850)
    }

    @Test func decayOptionReachesTheStatistics() throws {
        var options = PowerOfTwoChoices.Options()
        options.decay = .seconds(6)
        let statistics = PowerOfTwoChoices(options: options).makeStatistics()
        statistics.end(statistics.begin(at: 1), at: 1_000_000_000, with: .success)
        statistics.end(statistics.begin(at: 2), at: 7_000_000_000, with: .failure)
        #expect(abs(statistics.success - exp(-1)) < 0.001)
    }

    @Test(arguments: [\PowerOfTwoChoices.Options.decay, \.latencyFloor, \.maxIdle])
    func optionBelow0CountsAsOneNanosecond(
        _ option: any WritableKeyPath<PowerOfTwoChoices.Options, Duration> & Sendable
    ) {
        var options = PowerOfTwoChoices.Options()
        options[keyPath: option] = .seconds(-1)
        let simulation = SimulatedCalls(Self.three.map { node($0) }, options)
        let calls = simulation.call(100) { _ in (.milliseconds(1), .success) }
        #expect(calls.values.reduce(0, +) == 100)
    }

    // MARK: - Weights

    @Test(arguments: [[200, 100], [2, 1], [2_000_000, 1_000_000, 500_000], [300, 100, 100, 100]])
    func callsAreInProportionToTheWeights(weights: [Int]) {
        let simulation = SimulatedCalls(weights.enumerated().map { node("\($0)", weight: $1) })
        let calls = simulation.call(12_000)
        let total = weights.map { min($0, 1_000_000) }.reduce(0, +)
        for (index, weight) in weights.enumerated() {
            let expected = 12_000 * min(weight, 1_000_000) / total
            #expect(abs(calls["\(index)", default: 0] - expected) < expected / 10)
        }
    }

    @Test func weightsHoldForCallsInFlight() {
        let nodes = [node("a", weight: 200), node("b", weight: 100)]
        let simulation = SimulatedCalls(nodes)
        for _ in 0..<300 { _ = simulation.begin() }
        #expect((190...210).contains(nodes[0].statistics.inFlight))
    }

    @Test func extremeWeightsDoNotOverflow() {
        let simulation = SimulatedCalls([node("a", weight: .max), node("b", weight: .max), node("c", weight: -1)])
        #expect(simulation.call(1000).values.reduce(0, +) == 1000)
    }

    // MARK: - Avoiding

    @Test func nodesToAvoidAreAvoidedWhileThereIsAnother() {
        let simulation = SimulatedCalls(Self.three.map { node($0) })
        for _ in 0..<100 {
            #expect(simulation.begin(avoid: ["a", "c", "a"])?.node.instance.id == "b")
            #expect(simulation.begin(avoid: ["b"])?.node.instance.id != "b")
            #expect(simulation.begin(avoid: Self.three) != nil)
        }
    }

    // MARK: - Many at once

    @Test func concurrentPicksLeaveNothingInFlight() async {
        let nodes = (0..<10).map { node("\($0)") }
        let balancer = PowerOfTwoChoices()
        balancer.add(nodes)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for round in 0..<500 {
                        let request = PickRequest(operation: "/")
                        guard let node = balancer.pick(for: request) else {
                            Issue.record("no pick")
                            return
                        }
                        let call = node.statistics.begin(at: request.now)
                        // One of the ten always stays.
                        if round % 50 == task { balancer.remove(Array(nodes.dropFirst())) }
                        if round % 50 == task + 20 { balancer.add(nodes) }
                        if round % 20 == 0 { await Task.yield() }
                        let outcome = [CallOutcome.success, .failure, .ignored][round % 3]
                        node.statistics.end(call, at: NodeStatistics.now, with: outcome)
                    }
                }
            }
        }
        for node in nodes { #expect(node.statistics.inFlight == 0) }
    }

    @Test func sameSeedGivesTheSameNumbersAndAllOfThem() {
        let left = SharedSplitMix64(seed: 5)
        var right = SplitMix64(seed: 5)
        var seen = [Int](repeating: 0, count: 10)
        for _ in 0..<10_000 {
            let number = left.next(below: 10)
            #expect(number == right.next(below: 10))
            seen[number] += 1
        }
        #expect(seen.allSatisfy { (900...1100).contains($0) })
        #expect(left.next(below: 1) == 0)
    }
}
