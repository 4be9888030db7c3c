import ServiceKitTestSupport
import Testing

@testable import ServiceKit

@Suite struct BBRLimitTests {
    private static let millisecond: UInt64 = 1_000_000
    private static let second: UInt64 = 1_000_000_000

    /// A limit that has seen 100 calls per second and each of 50 ms: five in flight.
    private static func measured() -> (BBRLimit, UInt64) {
        var limit = BBRLimit()
        var now = second
        for _ in 0..<500 {
            now += 10 * millisecond
            limit.ended(latency: 50 * millisecond, at: now)
        }
        return (limit, now)
    }

    private func admits(_ limit: inout BBRLimit, _ inFlight: Int, usage: Double, at now: UInt64) -> Bool {
        limit.admits(inFlight: inFlight, usage: usage, threshold: 0.8, priority: .critical, at: now)
    }

    @Test func limitIsThroughputTimesLatency() {
        var (limit, now) = Self.measured()
        let maximum = limit.maximum(at: now)
        #expect(maximum == 5)
        // The past is forgotten with the window.
        now += 11 * Self.second
        let later = limit.maximum(at: now)
        #expect(later == 1)
    }

    @Test func callsAreRefusedWhileTheProcessorsAreBusyAndForASecondAfterwards() {
        var (limit, now) = Self.measured()
        #expect(admits(&limit, 100, usage: 0.7, at: now))
        #expect(admits(&limit, 5, usage: 0.9, at: now))
        #expect(!admits(&limit, 6, usage: 0.9, at: now))
        now += Self.second / 2
        #expect(!admits(&limit, 6, usage: 0.7, at: now))
        #expect(admits(&limit, 5, usage: 0.7, at: now))
        now += Self.second
        #expect(admits(&limit, 6, usage: 0.7, at: now))
    }

    @Test func oneCallBesideAnotherIsAlwaysAdmitted() {
        var limit = BBRLimit()
        #expect(admits(&limit, 1, usage: 1, at: Self.second))
        #expect(!admits(&limit, 2, usage: 1, at: Self.second))
        // Of one call, a less important one has no share.
        for priority in CallPriority.allCases {
            var limit = BBRLimit()
            let isAdmitted = limit.admits(
                inFlight: 1, usage: 1, threshold: 0.8, priority: priority, at: Self.second)
            #expect(isAdmitted)
        }
    }

    @Test func lessImportantCallsAreRefusedFirst() {
        var limit = BBRLimit()
        var now = Self.second
        for _ in 0..<2000 {
            now += Self.millisecond
            limit.ended(latency: 20 * Self.millisecond, at: now)
        }
        let refused = CallPriority.allCases.sorted().map { priority in
            (0...100).first { inFlight in
                var limit = limit
                return !limit.admits(inFlight: inFlight, usage: 1, threshold: 0.8, priority: priority, at: now)
            }
        }
        #expect(refused == [10, 19, 21])
    }

    @Test func usageIsTheShareOfTheProcessorsWithAMemory() {
        let used = Shared<UInt64>(0)
        var usage = ProcessorUsage(processors: 2, used: { used.value })
        var now = Self.second
        usage.sample(at: now)
        for _ in 0..<200 {
            now += Self.second / 2
            used.update { $0 += Self.second / 2 }
            usage.sample(at: now)
        }
        #expect(abs(usage.value - 0.5) < 0.01)
        // One busy moment is not much.
        now += Self.second / 2
        used.update { $0 += Self.second }
        usage.sample(at: now)
        #expect(usage.value > 0.51 && usage.value < 0.75)
        now += 60 * Self.second
        usage.sample(at: now)
        #expect(usage.value < 0.01)
    }
}
