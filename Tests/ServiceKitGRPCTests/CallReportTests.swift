import GRPCCore
import ServiceKit
import ServiceKitConcurrency
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// The reports of attempts to balancers and observers, and the statistics of nodes.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct CallReportTests {
    private final class Observer: CallObserver {
        let reports = Watched<[CallReport]>([])

        func ended(_ report: CallReport) {
            reports.update { $0.append(report) }
        }
    }

    /// Puts bytes in the place of a load report.
    private struct Garbage: Middleware {
        let bytes: [UInt8]

        func beginServing(_ call: inout Call) {
            call.onEnd { [bytes] _, result in result.trailers.append(.binary(bytes), for: LoadReport.trailer) }
        }
    }

    @Test(arguments: [[], [0xFF], [0x42, 0x7F, 1], Array(repeating: 0x18, count: 5000)] as [[UInt8]])
    func garbageInThePlaceOfALoadReportChangesNoCall(_ bytes: [UInt8]) async throws {
        try await withTestBed { bed in
            try await bed.server("a", middleware: [Garbage(bytes: bytes)])
            let observer = Observer()
            let client = try bed.client(pipeline: NodePipeline(observers: [observer]))
            for _ in 0..<3 { #expect(try await client.channel.text() == "a") }
            #expect(await client.channel.failure("Nothing")?.code == .unimplemented)
            let node = try #require(observer.reports.value.first).node
            #expect(node.statistics.load(at: NodeStatistics.now).total == nil)
            #expect(node.statistics.success == 1)
        }
    }

    private func idempotentOptions() -> ChannelOptions {
        var options = ChannelOptions()
        options.retry.idempotent = ["/test.Service/"]
        return options
    }

    @Test func loadThatAServerReportsReachesStatisticsAndReport() async throws {
        try await withTestBed { bed in
            let load = ServedLoad()
            load.utilization = 0.5
            let gate = Gate()
            let hold = TestService.text("held", behind: gate)
            try await bed.server("a", ["Hold": hold], middleware: [LoadReporting(load)])
            let observer = Observer()
            let mine = try bed.client(pipeline: NodePipeline(observers: [observer]))
            let other = try bed.client()
            let held = Task { try await other.channel.text("Hold") }
            await gate.waitForArrivals()
            #expect(try await mine.channel.text() == "a")
            let report = try #require(observer.reports.value.first)
            #expect(report.load?.requestsInFlight == 1 && report.load?.utilization == 0.5)
            #expect(report.node.statistics.load(at: NodeStatistics.now).total ?? 0 > 0)
            gate.open()
            #expect(try await held.value == "held")
            #expect(await mine.channel.failure("Nothing") != nil)
        }
    }

    @Test func eachAttemptIsReportedToTheBalancerAndToObservers() async throws {
        try await withTestBed { bed in
            let fails: TestService.Handler = { _, _ in
                throw ServiceError(.unavailable, reason: "DOWN", message: "a is down")
            }
            let answers: TestService.Handler = { _, _ in
                .init(single: ServerResponse(message: Array("b".utf8), trailingMetadata: ["x-load": "7"]))
            }
            try await bed.server("a", ["Try": fails])
            try await bed.server("b", ["Try": answers])
            let (balancer, observer) = (OrderedBalancer(), Observer())
            let client = try bed.client(
                idempotentOptions(), balancer: balancer, pipeline: NodePipeline(observers: [observer]))
            await balancer.waitForNodes("a", "b")
            #expect(try await client.text("Try") == "b")
            for reports in [balancer.reports.value, observer.reports.value] {
                #expect(reports.map(\.node.instance.id) == ["a", "b"])
                #expect(reports.map(\.operation) == ["/test.Service/Try", "/test.Service/Try"])
                #expect(reports.map(\.attempt) == [1, 2])
                #expect(reports.map(\.code) == [.unavailable, nil])
                #expect(reports.map(\.outcome) == [.failure, .success])
                #expect(reports.allSatisfy { $0.wasSent && $0.latency > 0 })
                #expect(reports.last?.trailers["x-load"] == "7")
            }
        }
    }

    /// The life of a stream says nothing about the time that an answer takes.
    @Test func latencyOfAStreamEndsWithTheFirstPartOfItsAnswer() async throws {
        try await withTestBed { bed in
            try await bed.server("a")
            let observer = Observer()
            let client = try bed.client(pipeline: NodePipeline(observers: [observer]))
            let answered = Gate()
            try await client.stream { writer in
                try await writer.write([1])
                try await answered.pass()
            } _: { response in
                for try await _ in response.messages {
                    let node = try #require(client.channel.snapshot().nodes.first)
                    #expect(node.inFlight == 1 && node.latency > 0)
                    answered.open()
                }
            }
            let report = try #require(await observer.reports.first { !$0.isEmpty }?.first)
            let statistics = report.node.statistics
            #expect(report.outcome == .success && statistics.inFlight == 0)
            #expect(statistics.latency == Double(report.latency))
        }
    }

    /// A quota of the caller is no fault of the node.
    @Test func aCallOverItsRateSaysNothingAboutTheNode() async throws {
        try await withTestBed { bed in
            let reasons = ["RATE_LIMITED", "FULL"]
            for reason in reasons {
                let handler: TestService.Handler = { _, _ in
                    throw ServiceError(.tooManyRequests, reason: reason, message: "too many")
                }
                try await bed.server(reason, ["Get": handler])
            }
            let (balancer, observer) = (OrderedBalancer(), Observer())
            let client = try bed.client(balancer: balancer, pipeline: NodePipeline(observers: [observer]))
            await balancer.waitForNodes("FULL", "RATE_LIMITED")
            _ = await client.failure("Get")
            #expect(observer.reports.value.last?.outcome == .failure)
            balancer.update(NodeChange(removed: observer.reports.value.map(\.node)))
            _ = await client.failure("Get")
            #expect(observer.reports.value.map(\.node.instance.id) == ["FULL", "RATE_LIMITED"])
            #expect(observer.reports.value.last?.outcome == .ignored)
        }
    }

    @Test func clientErrorCountsAsSuccessOfTheNode() async throws {
        try await withTestBed { bed in
            let handler: TestService.Handler = { _, _ in
                throw ServiceError(.notFound, reason: "NONE", message: "there is none")
            }
            try await bed.server("a", ["Get": handler])
            let observer = Observer()
            let client = try bed.client(pipeline: NodePipeline(observers: [observer]))
            _ = await client.failure("Get")
            #expect(observer.reports.value.map(\.code) == [.notFound])
            #expect(observer.reports.value.map(\.outcome) == [.success])
        }
    }

    @Test func cancelledCallIsNotCounted() async throws {
        try await withTestBed { bed in
            let entered = Gate()
            let handler: TestService.Handler = { _, _ in
                entered.open()
                try await Task.sleep(for: .seconds(60))
                return .text("a")
            }
            try await bed.server("a", ["Slow": handler])
            let observer = Observer()
            let client = try bed.client(pipeline: NodePipeline(observers: [observer]))
            let call = Task { try await client.text("Slow") }
            try await entered.pass()
            call.cancel()
            _ = await call.result
            let reports = await observer.reports.first { !$0.isEmpty } ?? []
            #expect(reports.map(\.outcome) == [.ignored])
            #expect(reports.map(\.code) == [.cancelled])
        }
    }

    @Test(arguments: ["p2c", "round_robin"])
    func callsInFlightAreCountedUnderEveryBalancer(name: String) async throws {
        try await withTestBed { bed in
            let gate = Gate()
            try await bed.server("a", ["Slow": TestService.text("a", behind: gate)])
            let observer = Observer()
            var options = ChannelOptions()
            options.balancer = name
            let client = try bed.client(options, pipeline: NodePipeline(observers: [observer]))
            #expect(try await client.text() == "a")
            let node = try #require(observer.reports.value.first?.node)
            #expect(node.statistics.inFlight == 0 && node.statistics.latency > 0)
            let call = Task { try await client.text("Slow") }
            await gate.waitForArrivals()
            #expect(node.statistics.inFlight == 1)
            gate.open()
            _ = try await call.value
            #expect(node.statistics.inFlight == 0)
        }
    }
}
