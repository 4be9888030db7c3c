import ServiceKitConfig
import Testing

@testable import ServiceKit

@Suite struct AdaptiveLimitTests {
    private static let millisecond: UInt64 = 1_000_000

    /// A server with some workers, whose callers call again as soon as they have an answer.
    private struct Server {
        var options = ConcurrencyLimit.Options.Adaptive()
        var limit: AdaptiveLimit
        var now = AdaptiveLimitTests.millisecond
        var refused = 0

        init(_ change: (inout ConcurrencyLimit.Options.Adaptive) -> Void = { _ in }) {
            change(&options)
            limit = AdaptiveLimit(options)
        }

        /// Serves for some seconds. With more calls than workers, each waits for its turn.
        mutating func serve(callers: Int, workers: Int, milliseconds: Double, for seconds: Int) {
            let end = now + UInt64(seconds) * 1_000_000_000
            while now < end {
                let admitted = min(callers, max(1, Int(limit.limit)))
                for number in 0..<callers {
                    limit.began(inFlight: min(number + 1, admitted), isRefused: number >= admitted)
                }
                refused += callers - admitted
                let latency = UInt64(milliseconds * 1e6 * max(1, Double(admitted) / Double(workers)))
                now += latency
                for _ in 0..<admitted { limit.ended("/a.B/C", latency: latency, at: now, options) }
            }
        }
    }

    @Test func limitGrowsWhileThereIsNoQueue() {
        var server = Server { $0.initial = 20 }
        server.serve(callers: 400, workers: 1000, milliseconds: 10, for: 10)
        #expect(server.limit.limit >= 400)
        server.refused = 0
        server.serve(callers: 400, workers: 1000, milliseconds: 10, for: 1)
        #expect(server.refused == 0)
    }

    @Test func limitConvergesToABoundedDelayUnderOverload() {
        var server = Server()
        server.serve(callers: 8, workers: 40, milliseconds: 10, for: 5)
        server.serve(callers: 2000, workers: 40, milliseconds: 10, for: 20)
        // 40 calls are served at a time in 10 ms; 20 ms of queue are 80 more. The workers are never idle.
        #expect((40...140).contains(server.limit.limit), "\(server.limit.limit)")
    }

    @Test func limitStaysWithinItsBounds() {
        var server = Server {
            $0.min = 12
            $0.max = 60
        }
        #expect(server.limit.limit == 100)
        server.serve(callers: 8, workers: 1, milliseconds: 50, for: 5)
        for _ in 0..<20 {
            server.serve(callers: 500, workers: 1, milliseconds: 50, for: 2)
            #expect((12...60).contains(server.limit.limit))
        }
        server.serve(callers: 500, workers: 1000, milliseconds: 1, for: 20)
        #expect(server.limit.limit == 60)
    }

    @Test func limitRecoversWhenTheServiceHasBecomeSlower() {
        var server = Server()
        server.serve(callers: 8, workers: 100, milliseconds: 5, for: 5)
        // All calls take longer, without a queue: the limit falls, learns it, and grows again.
        server.serve(callers: 80, workers: 100, milliseconds: 200, for: 120)
        #expect(server.limit.limit >= 80, "\(server.limit.limit)")
    }

    @Test func limitRecoversAfterAnOverload() {
        var server = Server()
        server.serve(callers: 8, workers: 10, milliseconds: 10, for: 5)
        server.serve(callers: 1000, workers: 10, milliseconds: 10, for: 10)
        let overloaded = server.limit.limit
        server.serve(callers: 200, workers: 1000, milliseconds: 10, for: 10)
        #expect(overloaded < 60 && server.limit.limit >= 200)
    }

    @Test func unknownOperationsShareOneEntry() {
        var server = Server()
        for number in 0..<10_000 {
            server.now += Self.millisecond
            server.limit.began(inFlight: 1, isRefused: false)
            server.limit.ended("/a.B/C\(number)", latency: Self.millisecond, at: server.now, server.options)
        }
        #expect(server.limit.operationCount <= AdaptiveLimit.maximumOperations + 1)
        #expect(server.limit.limit == 100)
    }

    @Test func aLeastLimitAboveTheGreatestIsRefused() throws {
        let yaml = "server: {limit: {adaptive: {max: 5, min: 6}}}"
        let error = #expect(throws: ConfigurationError.self) {
            let configuration = try Configuration(yaml: yaml, origin: "app.yaml")
            _ = try configuration.decode(ConcurrencyLimit.Options.self, at: "server.limit")
        }
        #expect(
            error.map { "\($0)" } == "app.yaml:1:42: server.limit.adaptive.min: the least limit, 6, is above the greatest, 5; "
                + "lower min or raise max")
        let fits = try Configuration(yaml: "server: {limit: {adaptive: {max: 5, min: 5}}}")
        #expect(try fits.decode(ConcurrencyLimit.Options.self, at: "server.limit").adaptive.min == 5)
    }
}
