import Testing

@testable import ServiceKit

@Suite struct PrequalTests {
    private static let millisecond: UInt64 = 1_000_000

    private func balancer(_ nodes: [Node], _ change: (inout Prequal.Options) -> Void = { _ in }) -> Prequal {
        var options = Prequal.Options()
        change(&options)
        let balancer = Prequal(options: options, seed: 1)
        balancer.add(nodes)
        return balancer
    }

    private func report(_ inFlight: Double, _ latency: Double) -> LoadReport {
        var report = LoadReport()
        (report.requestsInFlight, report.latency) = (inFlight, latency)
        return report
    }

    /// Ends a call on a node with a report.
    private func end(_ node: Node, _ report: LoadReport, at now: UInt64, _ balancer: Prequal) {
        node.statistics.end(node.statistics.begin(at: now), at: now, with: .success, report: report)
        balancer.ended(CallReport(node: node, operation: "/", load: report, outcome: .success))
    }

    private func share(of node: Node, _ balancer: Prequal, at now: UInt64) -> Double {
        let count = 2000
        let picks = (0..<count).count { _ in balancer.pick(for: PickRequest(operation: "/", now: now)) === node }
        return Double(picks) / Double(count)
    }

    @Test func emptyBalancerPicksNothing() {
        #expect(Prequal().pick(for: request) == nil)
    }

    @Test func fastestOfTheColdNodesIsCalledAndNoHotNodeHoweverFast() {
        let nodes = (0..<4).map { node("\($0)") }
        let balancer = balancer(nodes) { ($0.choices, $0.hotQuantile) = (16, 0.7) }
        let now = 1000 * Self.millisecond
        for _ in 0..<16 {
            // The first is hot and fast.
            for (node, load) in zip(nodes, [(90, 1e6), (4, 9e6), (5, 3e6), (6, 8e6)]) {
                end(node, report(Double(load.0), load.1), at: now, balancer)
            }
        }
        #expect(share(of: nodes[2], balancer, at: now) > 0.9)
    }

    /// A server cannot say less than its callers see.
    @Test func aLatencyThatIsToldTooSmallCountsAsTheCallersOwn() {
        let nodes = (0..<2).map { node("\($0)") }
        let balancer = balancer(nodes) { ($0.choices, $0.hotQuantile) = (16, 1) }
        let now = 1000 * Self.millisecond
        for (node, latency) in zip(nodes, [80, 20] as [UInt64]) {
            for _ in 0..<16 {
                let call = node.statistics.begin(at: now - latency * Self.millisecond)
                node.statistics.end(call, at: now, with: .success, report: report(1, node === nodes[0] ? 1 : 20e6))
            }
        }
        #expect(share(of: nodes[1], balancer, at: now) > 0.9)
    }

    /// A node that tells nothing would else look idle beside one that tells all calls it has.
    @Test func aNodeThatReportsNothingIsComparedByThisClientsCalls() {
        let nodes = (0..<2).map { node("\($0)") }
        let balancer = balancer(nodes) { ($0.choices, $0.hotQuantile) = (16, 0) }
        let now = 1000 * Self.millisecond
        // Each has a latency of 10 ms; the second has told of 50 calls of others.
        for (node, told) in zip(nodes, [nil, report(50, 10e6)]) {
            let call = node.statistics.begin(at: now - 10 * Self.millisecond)
            node.statistics.end(call, at: now, with: .success, report: told)
        }
        // Of the client's own calls the first has more.
        for _ in 0..<5 { _ = nodes[0].statistics.begin(at: now) }
        _ = nodes[1].statistics.begin(at: now)
        #expect(share(of: nodes[1], balancer, at: now) > 0.9)
    }

    @Test func leastBusyIsCalledIfAllAreHot() {
        let nodes = (0..<4).map { node("\($0)") }
        let balancer = balancer(nodes) { ($0.choices, $0.hotQuantile) = (16, 0) }
        let now = 1000 * Self.millisecond
        for node in nodes { for _ in 0..<8 { end(node, report(1, 1e6), at: now, balancer) } }
        for (node, load) in zip(nodes, [(9, 1e6), (4, 9e6), (5, 3e6), (6, 8e6)]) {
            end(node, report(Double(load.0), load.1), at: now, balancer)
        }
        #expect(share(of: nodes[1], balancer, at: now) > 0.9)
    }

    @Test func nodeToAvoidIsPassedOver() {
        let nodes = (0..<3).map { node("\($0)") }
        let picks = (0..<50).compactMap { _ in
            balancer(nodes).pick(for: PickRequest(operation: "/", avoid: ["1"]))?.instance.id
        }
        #expect(!picks.contains("1"))
    }

    /// Calls one after the other in simulated time, at most some at a time, on nodes that take so long.
    private func shares(_ times: [Double], reports: Bool, failing: Set<Int> = []) -> [Double] {
        let nodes = times.indices.map { node("\($0)") }
        let balancer = balancer(nodes)
        var running: [(end: UInt64, index: Int, call: NodeStatistics.InFlight)] = []
        var counts = Array(repeating: 0, count: times.count)
        var now = Self.millisecond
        for _ in 0..<6000 {
            while let first = running.min(by: { $0.end < $1.end }), running.count >= 20 || first.end <= now {
                now = max(now, first.end)
                running.removeAll {
                    $0.call.start == first.call.start && $0.index == first.index && $0.end == first.end
                }
                let inFlight = running.count { $0.index == first.index }
                let load = reports ? report(Double(inFlight), times[first.index] * 1e6) : nil
                let outcome: CallOutcome = failing.contains(first.index) ? .failure : .success
                let node = nodes[first.index]
                node.statistics.end(first.call, at: now, with: outcome, report: load)
                balancer.ended(CallReport(node: node, operation: "/", load: load, outcome: outcome))
            }
            guard let picked = balancer.pick(for: PickRequest(operation: "/", now: now)),
                let index = nodes.firstIndex(where: { $0 === picked })
            else { continue }
            counts[index] += 1
            running.append((now + UInt64(times[index] * 1e6), index, picked.statistics.begin(at: now)))
            now += 1000
        }
        return counts.map { Double($0) / 6000 }
    }

    @Test(arguments: [true, false]) func slowNodeOfTenGetsLessThan3PercentOfTheCalls(_ reports: Bool) {
        let shares = shares([200] + Array(repeating: 10, count: 9), reports: reports)
        #expect(shares[0] < 0.03, "\(shares)")
        #expect(shares[0] > 0, "it gets the chance to show that it is well again")
        #expect(shares[1...].allSatisfy { $0 > 0.05 }, "\(shares)")
    }

    @Test func nodeThatFailsFastAttractsNoCalls() {
        let shares = shares([0.1] + Array(repeating: 10, count: 9), reports: true, failing: [0])
        #expect(shares[0] < 0.1, "\(shares)")
    }

    @Test func quantileIsThatOfTheLatestLoads() {
        var loads = RecentLoads(quantile: 0.5)
        #expect(loads.threshold == 0)
        for load in 0..<128 { loads.add(Double(load)) }
        #expect(loads.threshold == 63)
        for _ in 0..<128 { loads.add(7) }
        #expect(loads.threshold == 7)
    }
}
