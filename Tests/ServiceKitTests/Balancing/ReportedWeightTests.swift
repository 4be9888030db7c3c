import Testing

@testable import ServiceKit

/// The weights of `weighted_round_robin` by load reports (gRFC A58).
@Suite struct ReportedWeightTests {
    private static let second: UInt64 = 1_000_000_000

    /// Calls that nodes answer with the same reports all the while; nodes without one report nothing.
    private final class Fleet {
        let balancer: WeightedRoundRobin
        private(set) var now = 1000 * ReportedWeightTests.second
        var reports: [String: LoadReport] = [:]

        init(_ weights: [String: Int?], _ reports: [String: LoadReport] = [:], seed: UInt64 = 1) {
            balancer = WeightedRoundRobin(seed: seed)
            balancer.add(weights.keys.sorted().map { node($0, weight: weights[$0] ?? nil) })
            self.reports = reports
        }

        func pass(_ seconds: UInt64) { now += seconds * ReportedWeightTests.second }

        /// The part of the calls that each node gets in some seconds, with 1000 calls in each.
        @discardableResult
        func shares(seconds: Int) -> [String: Double] {
            var counts: [String: Double] = [:]
            for _ in 0..<seconds * 1000 {
                guard let node = balancer.pick(for: PickRequest(operation: "/", now: now)) else { return [:] }
                let call = node.statistics.begin(at: now)
                now += ReportedWeightTests.second / 1000
                let id = node.instance.id
                node.statistics.end(call, at: now, with: .success, report: reports[id])
                counts[id, default: 0] += 1 / Double(seconds * 1000)
            }
            return counts
        }
    }

    private static func report(
        rate: Double, used: Double? = nil, processors: Double? = nil, failures: Double = 0
    ) -> LoadReport {
        var report = LoadReport()
        (report.rate, report.failureRate, report.utilization) = (rate, failures, used)
        report.processorUtilization = processors
        return report
    }

    private func expect(
        _ shares: [String: Double], _ expected: [String: Double], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for (id, share) in expected {
            // A step of weights is 4 %: two nodes are off by as much at most.
            #expect(abs(shares[id, default: 0] / share - 1) < 0.06, "\(id): \(shares)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func aNodeHasTheShareThatItCouldServeAtFullUse(seed: UInt64) {
        let reports = ["a": Self.report(rate: 100, used: 0.5), "b": Self.report(rate: 100, used: 0.25)]
        let fleet = Fleet(["a": nil, "b": nil], reports, seed: seed)
        expect(fleet.shares(seconds: 9), ["a": 0.5, "b": 0.5])
        fleet.shares(seconds: 3)
        expect(fleet.shares(seconds: 5), ["a": 1.0 / 3, "b": 2.0 / 3])
    }

    @Test func failuresCountAsUse() {
        let reports = [
            "a": Self.report(rate: 100, used: 0.5, failures: 50), "b": Self.report(rate: 100, used: 0.5),
        ]
        let fleet = Fleet(["a": nil, "b": nil], reports)
        fleet.shares(seconds: 12)
        expect(fleet.shares(seconds: 5), ["a": 1.0 / 3, "b": 2.0 / 3])
    }

    @Test func theUseOfTheProcessorsCountsWhereTheApplicationSaysNothing() {
        let reports = [
            "a": Self.report(rate: 100, used: 0, processors: 0.8), "b": Self.report(rate: 100, processors: 0.2),
            "c": Self.report(rate: 100, used: 0.4, processors: 0.1),
        ]
        let fleet = Fleet(["a": nil, "b": nil, "c": nil], reports)
        fleet.shares(seconds: 12)
        expect(fleet.shares(seconds: 7), ["a": 1.0 / 7, "b": 4.0 / 7, "c": 2.0 / 7])
    }

    @Test func aReportMultipliesTheWeightOfTheNode() {
        let reports = ["a": Self.report(rate: 100, used: 0.5), "b": Self.report(rate: 100, used: 0.25)]
        let fleet = Fleet(["a": 400, "b": 100], reports)
        fleet.shares(seconds: 12)
        expect(fleet.shares(seconds: 6), ["a": 2.0 / 3, "b": 1.0 / 3])
    }

    @Test func aNodeWithoutReportsCountsAsTheMedianOfTheOthers() {
        let reports = ["a": Self.report(rate: 100, used: 0.5), "b": Self.report(rate: 300, used: 0.5)]
        let fleet = Fleet(["a": nil, "b": nil, "c": nil], reports)
        fleet.shares(seconds: 12)
        expect(fleet.shares(seconds: 6), ["a": 1.0 / 6, "b": 3.0 / 6, "c": 2.0 / 6])
        // One report alone tells nothing.
        let single = Fleet(["a": nil, "b": nil], ["a": Self.report(rate: 100, used: 0.5)])
        single.shares(seconds: 12)
        expect(single.shares(seconds: 4), ["a": 0.5, "b": 0.5])
    }

    @Test func reportsExpireAndThenBeginAnew() {
        let reports = ["a": Self.report(rate: 100, used: 0.9), "b": Self.report(rate: 100, used: 0.3)]
        let fleet = Fleet(["a": nil, "b": nil], reports)
        fleet.shares(seconds: 12)
        expect(fleet.shares(seconds: 4), ["a": 0.25, "b": 0.75])
        fleet.reports = [:]
        fleet.pass(170)
        expect(fleet.shares(seconds: 4), ["a": 0.25, "b": 0.75])
        fleet.pass(10)
        fleet.shares(seconds: 1)
        expect(fleet.shares(seconds: 4), ["a": 0.5, "b": 0.5])
        fleet.reports = reports
        expect(fleet.shares(seconds: 8), ["a": 0.5, "b": 0.5])
        fleet.shares(seconds: 4)
        expect(fleet.shares(seconds: 4), ["a": 0.25, "b": 0.75])
    }

    @Test func aReportWithoutARateOrAUseSaysNothing() {
        let reports = [
            "a": Self.report(rate: 0, used: 0.5), "b": Self.report(rate: 100), "c": Self.report(rate: 100, used: 0),
            "d": LoadReport(),
        ]
        let fleet = Fleet(["a": nil, "b": nil, "c": nil, "d": nil], reports)
        fleet.shares(seconds: 12)
        expect(fleet.shares(seconds: 4), ["a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25])
    }

    /// Within the bounds of ``LoadReport``, a report says anything.
    @Test(arguments: [
        (1e12, 1e-300), (1e-300, 100), (1e12, 100), (Double.leastNonzeroMagnitude, Double.leastNonzeroMagnitude),
    ])
    func aLieMultipliesAWeightByTenAtMost(_ rate: Double, _ used: Double) {
        var reports = Dictionary(uniqueKeysWithValues: (0..<20).map { ("\($0)", Self.report(rate: 100, used: 0.5)) })
        reports["0"] = Self.report(rate: rate, used: used)
        let fleet = Fleet(Dictionary(uniqueKeysWithValues: (0..<20).map { ("\($0)", nil as Int?) }), reports)
        fleet.shares(seconds: 12)
        let shares = fleet.shares(seconds: 20)
        for id in 1..<20 {
            let ratio = shares["0", default: 0] / shares["\(id)", default: 0]
            #expect(ratio > 0.09 && ratio < 11, "\(ratio)")
        }
    }

    /// A node that moves to another weight loses no turn, and another place of the instance has no reports.
    @Test func nodesChangeTheirWeightsAndLeave() {
        let reports = ["a": Self.report(rate: 100, used: 0.5), "b": Self.report(rate: 100, used: 0.25)]
        let fleet = Fleet(["a": nil, "b": nil, "c": nil], reports)
        fleet.shares(seconds: 12)
        fleet.balancer.remove([node("c")])
        expect(fleet.shares(seconds: 6), ["a": 1.0 / 3, "b": 2.0 / 3])
        fleet.reports["a"] = Self.report(rate: 100, used: 0.0625)
        fleet.shares(seconds: 2)
        expect(fleet.shares(seconds: 5), ["a": 0.8, "b": 0.2])
        fleet.balancer.add([node("a")])
        expect(fleet.shares(seconds: 6), ["a": 0.5, "b": 0.5])
        fleet.balancer.remove([node("a"), node("b")])
        #expect(fleet.shares(seconds: 1) == [:])
    }
}
