import ServiceKitConfig
import Synchronization
import Testing

@testable import ServiceKit

@Suite struct LoadReportingTests {
    private static let millisecond: UInt64 = 1_000_000

    // MARK: - The load

    @Test func latencyIsThatOfTheSameNumberOfCallsInFlight() throws {
        var load = ServedLoadState()
        var now = Self.millisecond
        #expect(load.report(at: now).latency == nil)
        // Alone a call takes 1 ms; with seven others, 8 ms.
        for _ in 0..<20 {
            let call = load.begin(at: now)
            now += Self.millisecond
            load.end(call, at: now, failed: false)
            let calls = (0..<8).map { _ in load.begin(at: now) }
            now += 8 * Self.millisecond
            for call in calls { load.end(call, at: now, failed: false) }
        }
        #expect(abs(try #require(load.report(at: now).latency) - 1e6) < 1e6)
        _ = (0..<8).map { _ in load.begin(at: now) }
        let busy = load.report(at: now)
        #expect(busy.requestsInFlight == 8)
        #expect(abs(try #require(busy.latency) - 8e6) < 1e4)
        #expect(load.report(at: now + 11_000 * Self.millisecond).latency == nil, "it is too old")
    }

    @Test func streamThatLastedForAnHourDoesNotCountAsLatency() throws {
        var load = ServedLoadState()
        let stream = load.begin(at: 1)
        var now = 3_600_000 * Self.millisecond
        for _ in 0..<500 {
            let call = load.begin(at: now)
            now += 10 * Self.millisecond
            load.end(call, at: now, failed: false)
        }
        load.end(stream, at: now, failed: false)
        for _ in 0..<100 {
            let call = load.begin(at: now)
            now += 10 * Self.millisecond
            load.end(call, at: now, failed: false)
        }
        #expect(abs(try #require(load.report(at: now).latency) - 10e6) < 1e4)
    }

    @Test func ratesAreThoseOfTheLastSeconds() throws {
        var load = ServedLoadState()
        var now = Self.millisecond
        for number in 0..<6000 {
            load.end(load.begin(at: now), at: now, failed: number.isMultiple(of: 4))
            now += 10 * Self.millisecond
        }
        let report = load.report(at: now)
        #expect((95...105).contains(try #require(report.rate)))
        #expect((23...27).contains(try #require(report.failureRate)))
        #expect(try #require(load.report(at: now + 60_000 * Self.millisecond).rate) < 1)
    }

    // MARK: - The middleware

    private func call(_ chain: MiddlewareChain, _ error: (any Error)? = nil) async -> CallResult {
        await chain.run(Call(side: .server, operation: "/a.B/C")) { _ in
            if let error { throw error }
            return CallResult()
        }
    }

    private func report(_ result: CallResult) -> LoadReport? {
        guard case .binary(let bytes)? = result.trailers.values(of: LoadReport.trailer).first else { return nil }
        return LoadReport(bytes: bytes)
    }

    @Test func answersAndErrorsCarryTheLoad() async throws {
        let load = ServedLoad()
        let chain = MiddlewareChain(LoadReporting(load))
        load.utilization = 0.5
        let success = try #require(report(await call(chain)))
        #expect(success.requestsInFlight == 0 && success.utilization == 0.5 && success.failureRate == 0)
        let held = load.begin(at: NodeStatistics.now)
        let failure = await call(chain, ServiceError(.internalError, reason: "NONE", message: "none"))
        let loaded = try #require(report(failure))
        #expect(failure.error != nil && loaded.requestsInFlight == 1)
        #expect(try #require(loaded.failureRate) > 0)
        _ = load.end(held, at: NodeStatistics.now, failed: false)
        #expect(report(await call(chain))?.requestsInFlight == 0)
    }

    @Test(arguments: [
        (ServiceError.Code.internalError, true), (.unavailable, true), (.deadlineExceeded, true), (.notFound, false),
        (.badRequest, false), (.forbidden, false), (.tooManyRequests, false), (.cancelled, false),
        (.unimplemented, false),
    ])
    func failureIsOneThatTheServerIsToBlameFor(_ code: ServiceError.Code, _ isFailure: Bool) async throws {
        let chain = MiddlewareChain(LoadReporting(ServedLoad()))
        let load = try #require(report(await call(chain, ServiceError(code, reason: "A", message: "a"))))
        #expect(try #require(load.rate) > 0)
        #expect((try #require(load.failureRate) > 0) == isFailure)
    }

    @Test func deadlineOfTheCallerIsNoFailureOfTheServer() async throws {
        let now = ContinuousClock.now
        let chain = MiddlewareChain(LoadReporting(ServedLoad(), instant: { now + .seconds(1) }))
        let late = ServiceError(.deadlineExceeded, reason: "A", message: "a")
        let result = await chain.run(Call(side: .server, operation: "/a.B/C", deadline: now + .milliseconds(5))) { _ in
            throw late
        }
        #expect(try #require(report(result)).failureRate == 0)
    }

    /// A server that refuses most calls looked as if it answered at once, and did a lot.
    @Test func refusedCallsSayNothingOfTheServer() async throws {
        let now = Watched(1000 * Self.millisecond)
        let load = ServedLoad()
        var options = ConcurrencyLimit.Options()
        // Two at a time, as one place is left to critical calls.
        (options.concurrency, options.fixed.max) = (.fixed, 3)
        let chain = MiddlewareChain(
            LoadReporting(load, now: { now.value }), ConcurrencyLimit(Replaceable(options), now: { now.value }))
        var last: LoadReport?
        for round in 0..<20 {
            var calls = (0..<2).map { _ in Call(side: .server, operation: "/a.B/C") }
            for index in calls.indices { try await chain.begin(&calls[index]) }
            for _ in 0..<50 {
                now.update { $0 += 2 * Self.millisecond }
                let refused = await self.call(chain)
                let busy = try #require(report(refused))
                #expect(refused.error is PreparedError && busy.requestsInFlight == 2)
                #expect(round == 0 || abs((busy.latency ?? 0) - 100e6) < 1e6)
            }
            for index in calls.indices {
                var result = CallResult()
                calls[index].end(with: &result)
                last = report(result)
            }
        }
        let end = try #require(last)
        #expect(abs(try #require(end.latency) - 100e6) < 1e6)
        #expect(try #require(end.rate) < 22 && end.failureRate == 0 && end.requestsInFlight == 0)
    }

    @Test func callsWithoutAProofSayNothingOfTheServer() async throws {
        let chain = MiddlewareChain(LoadReporting(ServedLoad()))
        let result = await call(chain, ServiceError(.unauthenticated, reason: "TOKEN_INVALID", message: "no"))
        let load = try #require(report(result))
        #expect(load.latency == nil && load.rate == 0 && load.failureRate == 0)
    }

    @Test func changeOfTheOptionCountsFromTheNextCall() async throws {
        let options = Replaceable(LoadReporting.Options())
        let chain = MiddlewareChain(LoadReporting(ServedLoad(), options))
        #expect(report(await call(chain)) == nil)
        options.set(LoadReporting.on.read { copy $0 })
        #expect(report(await call(chain))?.requestsInFlight == 0)
        // A call that has begun is counted to its end.
        var begun = Call(side: .server, operation: "/a.B/C")
        try await chain.begin(&begun)
        options.set(LoadReporting.Options())
        #expect(report(await call(chain)) == nil)
        var result = CallResult()
        begun.end(with: &result)
        #expect(report(result)?.requestsInFlight == 0)
    }

    @Test(arguments: [true, false]) func appReportsItsLoadOnlyIfTheConfigurationSaysSo(_ isEnabled: Bool) async throws {
        let yaml = isEnabled ? "server: {load-reports: {enabled: true}}" : ""
        let app = try App(configuration: Configuration(yaml: yaml), registry: MemoryRegistry(), environment: [:])
        #expect(report(await call(app.serverMiddleware)) != nil || !isEnabled)
        #expect(await call(app.serverMiddleware).areTrailersChanged == isEnabled)
    }
}
