import Testing

@testable import ServiceKit

@Suite struct SlowStartTests {
    private func slowStart(_ window: Duration, _ minShare: Double = 0.1) -> SlowStart {
        var options = SlowStart.Options()
        (options.window, options.minShare) = (window, minShare)
        return SlowStart(options)
    }

    private static let second: UInt64 = 1_000_000_000

    @Test func weightGrowsInTenSteps() {
        let start = slowStart(.seconds(10))
        var age: UInt64 = 0
        var weights: [Int] = []
        while true {
            let (weight, next) = start.weight(of: 200, inServiceFor: age)
            weights.append(weight)
            guard let next else { break }
            #expect(next == age + Self.second)
            age = next
        }
        #expect(weights == [20, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200])
    }

    @Test func weightBetweenStepsIsThatOfTheLastStep() {
        let start = slowStart(.seconds(10), 0.25)
        #expect(start.weight(of: 100, inServiceFor: Self.second * 3 / 2).weight == 25)
        #expect(start.weight(of: 100, inServiceFor: Self.second * 7 / 2).weight == 30)
        #expect(start.weight(of: 100, inServiceFor: Self.second * 7 / 2).nextStep == 4 * Self.second)
        #expect(start.weight(of: 100, inServiceFor: Self.second * 11).weight == 100)
    }

    @Test func windowOf0LeavesWeightsAlone() {
        #expect(slowStart(.zero).weight(of: 70, inServiceFor: 0).weight == 70)
        #expect(slowStart(.zero).weight(of: 70, inServiceFor: 0).nextStep == nil)
    }

    @Test(arguments: [0, 1, 3, Int.max]) func strangeWeightsHaveBounds(_ weight: Int) {
        let start = slowStart(.seconds(10)).weight(of: weight, inServiceFor: 0).weight
        #expect(start == min(weight, weight == .max ? 100_000 : 1))
        #expect(slowStart(.nanoseconds(3)).weight(of: 100, inServiceFor: 2).weight <= 100)
    }

    @Test func balancersHeedTheWeightOfTheNode() {
        let young = node("young")
        let node = Node(
            instance: young.instance, endpoint: young.endpoint, statistics: young.statistics, weight: 10,
            attachment: nil)
        let balancers: [any Balancer] = [
            RandomChoice(seed: 1), WeightedRoundRobin(seed: 1),
            PowerOfTwoChoices(seed: 1), ConsistentHash(seed: 1),
        ]
        for balancer in balancers {
            balancer.add([node, ServiceKitTests.node("old")])
            let picks = (0..<2000).compactMap { _ in balancer.pick(for: PickRequest(operation: "/")) }
            #expect((60...400).contains(picks.count { $0 === node }), "\(type(of: balancer))")
        }
    }
}
