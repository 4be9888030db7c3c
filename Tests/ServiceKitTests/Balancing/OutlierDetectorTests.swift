import Synchronization
import Testing

@testable import ServiceKit

@Suite struct OutlierDetectorTests {
    /// A detector in simulated time.
    private struct Trial {
        var detector = OutlierDetector()
        var options = OutlierEjection.Options()
        var now: UInt64 = 1
        var nodes: [Int] = []

        init(_ count: Int, _ change: (inout OutlierEjection.Options) -> Void = { _ in }) {
            options.maxShare = 0.5
            change(&options)
            nodes = (0..<count).map { _ in detector.add() }
        }

        mutating func pass(_ duration: Duration) { now += UInt64(duration / .nanoseconds(1)) }

        /// Ends calls on a node.
        mutating func calls(
            _ node: Int, _ count: Int = 1, _ outcome: CallOutcome = .success, latency: UInt64 = 1_000_000
        ) -> [OutlierDetector.Action] {
            (0..<count).flatMap { _ in
                detector.ended(nodes[node], outcome, latency: latency, at: now, options)
            }
        }

        /// The end of an interval.
        mutating func endInterval() -> [OutlierDetector.Action] {
            pass(options.interval)
            return calls(0, 1, .ignored)
        }

        func ejected(_ node: Int, _ seconds: Int) -> OutlierDetector.Action { .eject(nodes[node], .seconds(seconds)) }
    }

    // MARK: - Failures in a row

    @Test func failuresInARowEjectANode() {
        var trial = Trial(4)
        #expect(trial.calls(0, 4, .failure) == [])
        #expect(trial.calls(0, 1, .success) == [])
        #expect(trial.calls(0, 4, .failure) == [])
        #expect(trial.calls(0, 3, .ignored) == [])
        #expect(trial.calls(0, 1, .failure) == [trial.ejected(0, 30)])
        // Calls that it still gets count for nothing.
        #expect(trial.calls(0, 20, .failure) == [])
    }

    @Test func ruleThatIsNullDoesNothing() {
        var trial = Trial(4) { ($0.consecutiveFailures, $0.successRateFactor) = (nil, nil) }
        #expect(trial.calls(0, 1000, .failure) == [])
        #expect(trial.endInterval() == [])
    }

    // MARK: - Comparison

    private func traffic(_ trial: inout Trial, failing: [Int: Int], latencies: [Int: UInt64] = [:]) {
        for node in trial.nodes.indices {
            let failures = failing[node] ?? 0
            for call in 0..<200 {
                // Never many in a row.
                let fails = failures > 0 && call % (200 / failures) == 0
                _ = trial.calls(node, 1, fails ? .failure : .success, latency: latencies[node] ?? 1_000_000)
            }
        }
    }

    @Test func successRateFarBelowTheMeanEjectsANodeAtTheEndOfAnInterval() {
        var trial = Trial(6)
        #expect(trial.endInterval() == [])
        traffic(&trial, failing: [3: 50, 1: 2])
        #expect(trial.endInterval() == [trial.ejected(3, 30)])
        traffic(&trial, failing: [:])
        #expect(trial.endInterval() == [])
    }

    @Test func latencyFarAboveTheMedianEjectsANode() {
        var trial = Trial(6) { $0.latencyFactor = 3 }
        _ = trial.endInterval()
        traffic(&trial, failing: [:], latencies: [2: 4_000_000, 4: 2_000_000])
        #expect(trial.endInterval() == [trial.ejected(2, 30)])
    }

    @Test func worstNodeIsEjectedFirstIfTheShareIsSmall() {
        var trial = Trial(10) { ($0.latencyFactor, $0.maxShare) = (3, 0.2) }
        _ = trial.endInterval()
        traffic(&trial, failing: [:], latencies: [2: 5_000_000, 4: 9_000_000, 6: 7_000_000])
        #expect(trial.endInterval() == [trial.ejected(4, 30), trial.ejected(6, 30)])
    }

    @Test func fewNodesOrFewCallsAreNotCompared() {
        var few = Trial(4)
        _ = few.endInterval()
        traffic(&few, failing: [3: 50])
        #expect(few.endInterval() == [])
        var quiet = Trial(6) { $0.minRequests = 201 }
        _ = quiet.endInterval()
        traffic(&quiet, failing: [3: 50])
        #expect(quiet.endInterval() == [])
    }

    // MARK: - Times

    @Test func timesGrowUpToTheMaximumAndShrinkInService() {
        var trial = Trial(4) { ($0.baseTime, $0.maxTime) = (.seconds(30), .seconds(70)) }
        for seconds in [30, 60, 70, 70] {
            #expect(trial.calls(0, 5, .failure) == [trial.ejected(0, seconds)])
            // It is back just now, and no interval in service has passed.
            trial.pass(.seconds(seconds))
        }
        // The first interval was in part that of the ejection.
        for _ in 0..<5 { _ = trial.endInterval() }
        #expect(trial.calls(0, 5, .failure) == [trial.ejected(0, 30)])
    }

    // MARK: - Bounds

    @Test func noMoreThanTheShareIsEjectedButOneInAnyCase() {
        var trial = Trial(20) { $0.maxShare = 0.1 }
        for node in 0..<20 { _ = trial.calls(node, 4, .failure) }
        let actions = (0..<20).flatMap { trial.calls($0, 1, .failure) }
        #expect(actions == [trial.ejected(0, 30), trial.ejected(1, 30)])
        var two = Trial(2) { $0.maxShare = 0 }
        #expect(two.calls(0, 5, .failure) == [two.ejected(0, 30)])
        #expect(two.calls(1, 50, .failure) == [])
        var one = Trial(1)
        #expect(one.calls(0, 50, .failure) == [])
    }

    @Test func panicThresholdEndsEjectionsAndPutsAllBackWhenNodesLeave() {
        var trial = Trial(10) { ($0.maxShare, $0.panicThreshold) = (1, 0.7) }
        let actions = (0..<10).flatMap { trial.calls($0, 5, .failure) }
        #expect(actions == [0, 1, 2].map { trial.ejected($0, 30) })
        for node in 5..<10 { trial.detector.remove(trial.nodes[node]) }
        _ = trial.calls(3, 1)
        #expect(trial.endInterval() == [0, 1, 2].map { .restore(trial.nodes[$0]) })
    }

    @Test func turningOffPutsAllBackAndForgets() {
        var trial = Trial(4)
        _ = trial.calls(0, 5, .failure)
        _ = trial.calls(1, 4, .failure)
        #expect(trial.detector.stop() == [.restore(trial.nodes[0])])
        #expect(trial.calls(1, 1, .failure) == [])
        #expect(trial.calls(0, 5, .failure) == [trial.ejected(0, 30)])
    }

    // MARK: - The policy

    @Test func policyEjectsThroughTheEjectorOfItsNodeAndForgetsNodesThatLeave() {
        var options = OutlierEjection.Options()
        options.enabled = true
        let policy = OutlierEjection(options) { 1 }
        let ends = Mutex<[String]>([])
        var observers: [String: any CallObserver] = [:]
        let nodes = ["a", "b", "c"].map { node($0) }
        for node in nodes {
            let id = node.instance.id
            observers[id] = policy.observer(of: node, Ejector { time in ends.withLock { $0.append("\(id) \(time)") } })
        }
        func fail(_ node: Node, _ count: Int) {
            for _ in 0..<count {
                observers[node.instance.id]?.ended(CallReport(node: node, operation: "/", outcome: .failure))
            }
        }
        fail(nodes[0], 5)
        fail(nodes[1], 5)
        #expect(ends.withLock(\.self) == ["a 30.0 seconds"])
        observers["a"] = nil
        fail(nodes[1], 5)
        #expect(ends.withLock(\.self) == ["a 30.0 seconds", "b 30.0 seconds"])
        options.enabled = false
        policy.setOptions(options)
        fail(nodes[2], 50)
        #expect(ends.withLock(\.self) == ["a 30.0 seconds", "b 30.0 seconds", "b 0.0 seconds"])
    }
}
