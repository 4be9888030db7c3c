import Testing

@testable import ServiceKit

@Suite struct RunningTimeTests {
    private static let millisecond: UInt64 = 1_000_000

    /// A process that runs for a part of the time.
    private struct Process {
        private let used = Watched<UInt64>(0)
        private var now = 1000 * RunningTimeTests.millisecond
        private var time: RunningTime

        init(processors: Double = 1, period: Double? = nil) {
            time = RunningTime(processors: processors, period: period) { [used] in used.value }
            _ = time.time(at: now, callsWait: false)
        }

        /// Lets time pass.
        ///
        /// - Returns: How much of it counts, in milliseconds.
        mutating func step(_ milliseconds: UInt64, ran: UInt64, callsWait: Bool = true) -> UInt64 {
            let before = time.time(at: now, callsWait: callsWait)
            used.update { $0 += ran * RunningTimeTests.millisecond }
            now += milliseconds * RunningTimeTests.millisecond
            return (time.time(at: now, callsWait: callsWait) - before) / RunningTimeTests.millisecond
        }
    }

    @Test func allTimeCountsWhileTheProcessRuns() {
        var process = Process()
        #expect(process.step(100, ran: 100) == 100)
        // On several processors.
        #expect(process.step(100, ran: 400) == 100)
        #expect(process.step(0, ran: 0) == 0)
    }

    @Test func timeWithoutAProcessorDoesNotCountWhileCallsWait() {
        var process = Process()
        #expect(process.step(100, ran: 30) == 30)
        #expect(process.step(100, ran: 0) == 0)
        #expect(process.step(100, ran: 0, callsWait: false) == 100)
    }

    /// The machine, or the process, stood still.
    @Test func oneStopDoesNotCountHoweverLongItIs() {
        var process = Process()
        #expect(process.step(60_000, ran: 0) == 0)
        // The next one soon after does.
        #expect(process.step(100, ran: 0) == 100)
    }

    @Test func processThatHardlyEverRunsIsExcusedForMostOfTheTimeOnly() {
        var process = Process()
        let counted = (0..<6000).reduce(0) { sum, _ in sum + process.step(10, ran: 0) }
        // A quarter of a minute, less the second at the start.
        #expect((13_500...15_000).contains(counted), "\(counted)")
    }

    // MARK: - Quotas

    /// The kernel stops a process whose quota is used up until the next period. It serves so many calls less.
    @Test(
        arguments: [(0.5, 50, 50), (0.5, 13, 50), (0.1, 10, 10), (2.0, 25, 200), (1.0, 100, 100)]
            as [(Double, UInt64, UInt64)])
    func stopByTheQuotaCounts(_ processors: Double, _ runs: UInt64, _ ran: UInt64) {
        var process = Process(processors: processors, period: 100e6)
        let counted = (0..<50).reduce(0) { sum, _ in
            sum + process.step(runs, ran: ran) + process.step(100 - runs, ran: 0)
        }
        #expect(counted >= 4950, "of 5000 ms")
    }

    @Test func timeWithoutAProcessorDoesNotCountUnderAQuota() {
        var process = Process(processors: 0.5, period: 100e6)
        #expect(process.step(100, ran: 25) == 50)
        #expect(process.step(100, ran: 0) == 0)
        #expect(process.step(100, ran: 50) == 100)
        // Longer than a period.
        #expect(process.step(100, ran: 500) == 100)
        #expect(process.step(400, ran: 0) == 100)
    }

    @Test func processorTimeIsNotSavedUpWithoutAQuota() {
        var process = Process(processors: 4)
        #expect(process.step(100, ran: 400) == 100)
        #expect(process.step(100, ran: 0) == 0)
    }

    @Test(
        arguments: [
            ("max 100000\n", nil, nil), ("200000 100000\n", 2, 100e6), ("5000 10000", 0.5, 10e6), ("", nil, nil),
        ] as [(String, Double?, Double?)])
    func quotaOfTheControlGroupIsRead(_ text: String, _ processors: Double?, _ period: Double?) {
        let quota = ProcessorUsage.quota(text)
        #expect(quota?.processors == processors && quota?.period == period)
    }

    @Test func clockThatGoesBackDoesNoHarm() {
        var time = RunningTime { 0 }
        _ = time.time(at: 100 * Self.millisecond, callsWait: true)
        #expect(time.time(at: 200 * Self.millisecond, callsWait: true) == 100 * Self.millisecond)
        #expect(time.time(at: 50 * Self.millisecond, callsWait: true) == 100 * Self.millisecond)
        #expect(time.time(at: 1, callsWait: true) == 100 * Self.millisecond)
    }
}
