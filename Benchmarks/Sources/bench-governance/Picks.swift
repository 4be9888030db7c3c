import BenchmarkHarness
import BenchmarkSupport
import ServiceKit

/// Picks of the balancers.
enum Picks {
    /// The bars of each balancer: the CPU time of a pick among 10,000 nodes, and its growth from 10 nodes.
    static func all(_ picks: Int) -> [Benchmark] {
        benchmarks("p2c", atMost: 250, picks) { PowerOfTwoChoices() }
            + benchmarks("p2c_reports", atMost: 400, picks, report: report) { PowerOfTwoChoices() }
            + benchmarks("weighted", atMost: 500, picks) { WeightedRoundRobin() }
            + benchmarks("round_robin", atMost: 500, picks) { RoundRobin() }
            + benchmarks("least_request", atMost: 500, picks) { LeastRequest() }
            + benchmarks("hash", atMost: 500, picks) { ConsistentHash() }
    }

    /// The load that servers report, if they do.
    private static let report = {
        var report = LoadReport()
        (report.requestsInFlight, report.latency, report.rate, report.utilization) = (20, 5e6, 1000, 0.5)
        return report
    }()

    private static func benchmarks(
        _ name: String,
        atMost bar: Double,
        _ picks: Int,
        report: LoadReport? = nil,
        _ make: @escaping @Sendable () -> some Balancer
    ) -> [Benchmark] {
        let many = Subject(name: "10,000 nodes") { try sample(make(), nodes: 10_000, picks, report) }
        let few = Subject(name: "10 nodes") { try sample(make(), nodes: 10, picks, report) }
        return [
            Benchmark(
                name: "pick_\(name)",
                figure: "CPU of a pick among 10,000 nodes, in ns",
                bar: .atMost(bar),
                subjects: [many]
            ),
            Benchmark(
                name: "pick_\(name)_growth",
                figure: "CPU of a pick, 10,000 nodes ÷ 10 nodes",
                bar: .atMost(1.5),
                subjects: [many, few],
                ratio: { many, few in many / few }
            ),
        ]
    }

    /// The CPU time of a pick, and of a pick with the statistics of its call.
    private static func sample(
        _ balancer: some Balancer, nodes count: Int, _ picks: Int, _ report: LoadReport?
    ) throws -> Sample {
        balancer.update(NodeChange(added: nodes(count, of: balancer)))
        let keys = (0..<1024).map { PickRequest(operation: "/benchmark/Call", key: "user \($0)") }
        // The calls come first: without them, all nodes look alike.
        let calls = try nanoseconds(of: picks, keys, balancer) { node, now in
            let call = node.statistics.begin(at: now)
            node.statistics.end(call, at: now + 1_000_000, with: .success, report: report)
        }
        let alone = try nanoseconds(of: picks, keys, balancer) { _, _ in }
        return Sample(
            main: .init(value: alone, unit: "ns"),
            others: [.init(value: calls, unit: "ns with the statistics of a call")])
    }

    private static func nanoseconds(
        of picks: Int,
        _ keys: [PickRequest],
        _ balancer: some Balancer,
        _ call: (_ node: Node, _ now: UInt64) -> Void
    ) throws -> Double {
        var now = NodeStatistics.now
        let start = try ProcessUsage.current.cpuSeconds
        for number in 0..<picks {
            var request = keys[number & 1023]
            // Calls come fast enough for reports not to fade; the clock itself is not measured.
            now += 400
            request.now = now
            guard let node = balancer.pick(for: request) else {
                throw MeasurementError(description: "the balancer picks no node")
            }
            call(node, now)
        }
        return (try ProcessUsage.current.cpuSeconds - start) / Double(picks) * 1e9
    }

    private static func nodes(_ count: Int, of balancer: some Balancer) -> [Node] {
        (0..<count).map { number in
            let host = "10.\(number >> 16).\((number >> 8) & 255).\(number & 255)"
            let endpoint = Endpoint(scheme: "grpc", host: host, port: 9000)
            let instance = ServiceInstance(
                id: "node-\(number)",
                name: "benchmark",
                metadata: ["weight": "\(100 * (1 + number % 4))"],
                endpoints: [endpoint]
            )
            return Node(instance: instance, endpoint: endpoint, statistics: balancer.makeStatistics())
        }
    }
}
