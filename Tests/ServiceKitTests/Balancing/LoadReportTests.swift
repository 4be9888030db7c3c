import Testing

@testable import ServiceKit

@Suite struct LoadReportTests {
    private var full: LoadReport {
        var report = LoadReport()
        report.requestsInFlight = 17
        report.latency = 2_500_000
        report.rate = 120.5
        report.failureRate = 0
        report.utilization = 0.75
        report.processorUtilization = 0.5
        return report
    }

    @Test func reportIsReadAsItWasWritten() {
        #expect(LoadReport(bytes: full.bytes) == full)
        #expect(LoadReport(bytes: []) == LoadReport())
        #expect(LoadReport().bytes == [])
    }

    @Test func textIsReadAsItWasWritten() {
        #expect(LoadReport(text: full.text) == full)
        #expect(full.text.hasPrefix("TEXT cpu_utilization=0.5, rps_fractional=120.5, "))
        #expect(LoadReport(text: LoadReport().text) == LoadReport())
    }

    @Test func textOfAnotherImplementationIsRead() {
        var expected = LoadReport()
        (expected.requestsInFlight, expected.utilization) = (3, 0.25)
        let text = "TEXT named_metrics.rif=3,mem_utilization=0.5,application_utilization=0.25,named_metrics.x=7"
        #expect(LoadReport(text: text) == expected)
    }

    @Test(arguments: [
        "", "TEXT", "JSON {}", "rps_fractional=1", "TEXT rps_fractional", "TEXT rps_fractional=",
        "TEXT rps_fractional=a",
        "TEXT " + String(repeating: "eps=1,", count: 1000),
    ])
    func textThatIsNoReportIsNotRead(_ text: String) {
        #expect(LoadReport(text: text) == nil)
    }

    @Test(arguments: ["nan", "inf", "-1", "1e300"])
    func numbersInTextsAreChecked(_ number: String) {
        #expect(LoadReport(text: "TEXT rps_fractional=\(number)") == LoadReport())
    }

    /// Bytes that protoc writes for `xds.data.orca.v3.OrcaLoadReport`, with fields that are not used among them.
    @Test func reportOfAnotherImplementationIsRead() {
        let double = { (value: Double) in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) }
        var bytes: [UInt8] = [0x09] + double(0.5)  // cpu_utilization
        bytes += [0x18, 0xAC, 0x02]  // rps
        bytes += [0x22, 0x0C, 0x0A, 0x01, 0x61, 0x11] + double(1)  // request_cost: a
        bytes += [0x31] + double(300)  // rps_fractional
        bytes += [0x42, 0x05, 0x0A, 0x03] + Array("rif".utf8)  // named_metrics: rif, 0
        bytes += [0x42, 0x0E] + [0x11] + double(4) + [0x0A, 0x03] + Array("abc".utf8)  // the value before the key
        bytes += [0x49] + double(0.25)  // application_utilization
        bytes += [0xFD, 0x06, 1, 2, 3, 4]  // field 111, four bytes
        var expected = LoadReport()
        (expected.rate, expected.requestsInFlight, expected.utilization) = (300, 0, 0.25)
        expected.processorUtilization = 0.5
        #expect(LoadReport(bytes: bytes) == expected)
    }

    @Test(arguments: [-1, -.infinity, .infinity, .nan, .signalingNaN, 1e300, -0.5])
    func valueThatIsNoLoadIsLeftOut(_ value: Double) {
        var lie = LoadReport()
        (lie.requestsInFlight, lie.latency, lie.rate, lie.failureRate) = (value, value, value, value)
        (lie.utilization, lie.processorUtilization) = (value, value)
        #expect(LoadReport(bytes: lie.bytes) == LoadReport())
    }

    @Test(
        arguments: [
            [0x31], [0x31, 1, 2, 3, 4, 5, 6, 7], [0x42], [0x42, 0x7F], [0x42, 0x02, 0x0A, 0x7F], [0x00], [0x33], [0x34],
            [0x80], Array(repeating: 0xFF, count: 11),
            [0x42, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            [0x42, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x36, 0, 0],
        ] as [[UInt8]])
    func garbageIsNoReport(_ bytes: [UInt8]) {
        #expect(LoadReport(bytes: bytes) == nil)
    }

    @Test func longReportIsNotRead() {
        #expect(LoadReport(bytes: Array(repeating: 0x18, count: 4096)) != nil)
        #expect(LoadReport(bytes: Array(repeating: 0x18, count: 4098)) == nil)
    }

    @Test func changedBytesGiveValuesInTheirRangesOrNoReport() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<20_000 {
            var bytes = full.bytes
            for _ in 0...random.next(below: 4) {
                switch random.next(below: 3) {
                case 0: bytes[random.next(below: bytes.count)] = UInt8(random.next(below: 256))
                case 1: bytes.remove(at: random.next(below: bytes.count))
                default: bytes.insert(UInt8(random.next(below: 256)), at: random.next(below: bytes.count + 1))
                }
            }
            guard let report = LoadReport(bytes: bytes) else { continue }
            #expect((0...1e6).contains(report.requestsInFlight ?? 0))
            #expect((0...3.6e12).contains(report.latency ?? 0))
            #expect((0...100).contains(report.utilization ?? 0))
            #expect((0...1e12).contains(report.rate ?? 0) && (0...1e12).contains(report.failureRate ?? 0))
        }
    }

    // MARK: - In statistics

    private static let second: UInt64 = 1_000_000_000

    private func report(_ inFlight: Double?, of statistics: NodeStatistics, at time: UInt64) {
        var report = LoadReport()
        report.requestsInFlight = inFlight
        statistics.end(statistics.begin(at: time), at: time, with: .success, report: report)
    }

    @Test func loadIsThatOfAllClientsAndFadesWithinTwoSeconds() {
        let statistics = NodeStatistics()
        let now = 10 * Self.second
        let mine = (0..<3).map { _ in statistics.begin(at: now) }
        #expect(statistics.load(at: now) == NodeLoad(own: 3))
        report(10, of: statistics, at: now)
        #expect(statistics.load(at: now) == NodeLoad(own: 3, total: 10))
        statistics.end(mine[0], at: now, with: .success)
        #expect(statistics.load(at: now) == NodeLoad(own: 2, total: 9))
        #expect(statistics.load(at: now + Self.second) == NodeLoad(own: 2, total: 5.5))
        #expect(statistics.load(at: now + 2 * Self.second) == NodeLoad(own: 2))
        #expect(statistics.report(at: now + Self.second)?.requestsInFlight == 10)
        #expect(statistics.report(at: now + 2 * Self.second) == nil)
    }

    @Test func loadIsNeverLessThanThatOfThisClient() {
        let statistics = NodeStatistics()
        _ = (0..<5).map { _ in statistics.begin(at: Self.second) }
        report(0, of: statistics, at: Self.second)
        #expect(statistics.load(at: Self.second) == NodeLoad(own: 5, total: 5))
        report(nil, of: statistics, at: Self.second)
        #expect(statistics.load(at: Self.second) == NodeLoad(own: 5))
    }

    // MARK: - In balancers

    private static let balancers: [(String, @Sendable () -> any Balancer)] = [
        ("p2c", { PowerOfTwoChoices(seed: 1) }),
        ("least_request", { LeastRequest(seed: 1) }),
        ("prequal", { Prequal(seed: 1) }),
    ]

    /// How often each node is picked when they have reported these loads.
    private func picks(_ make: () -> any Balancer, _ loads: [Double?]) -> [Int] {
        let nodes = loads.indices.map { node("\($0)") }
        let balancer = make()
        balancer.add(nodes)
        let now = 10 * Self.second
        for (node, load) in zip(nodes, loads) { report(load, of: node.statistics, at: now) }
        var counts = Array(repeating: 0, count: loads.count)
        for _ in 0..<2000 {
            let picked = balancer.pick(for: PickRequest(operation: "/", now: now))
            if let index = nodes.firstIndex(where: { $0 === picked }) { counts[index] += 1 }
        }
        return counts
    }

    @Test(arguments: balancers.indices) func nodeThatIsBusyWithOtherClientsCallsGetsFew(_ index: Int) {
        let counts = picks(Self.balancers[index].1, [50, 2, 2, 2])
        #expect(counts[0] < 160, "\(Self.balancers[index].0): \(counts)")
        #expect(counts.reduce(0, +) == 2000)
    }

    /// Only some servers report: an old one must not look idle beside those that tell their load.
    @Test(arguments: [0, 1]) func nodeWithoutAReportIsComparedByThisClientsCalls(_ index: Int) {
        let counts = picks(Self.balancers[index].1, [nil, 40, 40, 40])
        #expect((350...650).contains(counts[0]), "\(Self.balancers[index].0): \(counts)")
    }

    @Test(arguments: balancers.indices) func nodeThatLiesAboutItsLoadHarmsNoOther(_ index: Int) {
        // The largest lie that is read, and the smallest.
        let overstated = picks(Self.balancers[index].1, [1e6, 2, 2, 2])
        #expect(overstated[1...].allSatisfy { $0 > 400 }, "\(Self.balancers[index].0): \(overstated)")
        #expect(picks(Self.balancers[index].1, [1e6, 1e6, 1e6]).allSatisfy { $0 > 300 })
    }

    /// A node that says it is idle is still judged by the calls that it holds.
    @Test(arguments: balancers.indices) func nodeThatSaysItIsIdleGetsNoMoreThanItBears(_ index: Int) {
        let nodes = (0..<4).map { node("\($0)") }
        let balancer = Self.balancers[index].1()
        balancer.add(nodes)
        let now = 10 * Self.second
        for node in nodes { report(node === nodes[0] ? 0 : 20, of: node.statistics, at: now) }
        for _ in 0..<400 {
            let picked = balancer.pick(for: PickRequest(operation: "/", now: now))
            _ = picked?.statistics.begin(at: now)
        }
        #expect(nodes[0].statistics.inFlight < 190, "\(Self.balancers[index].0): \(nodes[0].statistics.inFlight)")
    }
}
