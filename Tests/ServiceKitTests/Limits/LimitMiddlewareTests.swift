import Metrics
import MetricsTestKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite struct LimitMiddlewareTests {
    /// A limit of 50 ms.
    private static var adaptive: ConcurrencyLimit.Options {
        var options = ConcurrencyLimit.Options()
        options.concurrency = .adaptive
        options.adaptive.targetDelay = .milliseconds(50)
        options.adaptive.min = 10
        return options
    }

    /// The limit of a process that has a processor all the time.
    private static func limit(_ options: ConcurrencyLimit.Options, _ now: Watched<UInt64>) -> ConcurrencyLimit {
        let usage = ProcessorUsage(processors: 1) { now.value }
        return ConcurrencyLimit(Replaceable(options), now: { now.value }, usage: usage)
    }

    private static let second: UInt64 = 1_000_000_000

    private static func call(_ priority: String? = nil, _ operation: String = "/a.B/C", peer: String = "") -> Call {
        var metadata = CallMetadata()
        metadata[CallPriority.header] = priority
        return Call(side: .server, operation: operation, peer: peer, metadata: metadata)
    }

    /// Begins calls that do not end.
    private func begun(_ limit: some SynchronousMiddleware, _ count: Int, _ call: Call) -> [Call] {
        (0..<count).compactMap { _ in
            var call = call
            return (try? limit.beginServing(&call)).map { call }
        }
    }

    private func end(_ calls: [Call]) {
        for var call in calls {
            var result = CallResult()
            call.end(with: &result)
        }
    }

    private func fixed(_ max: Int) -> ConcurrencyLimit.Options {
        var options = ConcurrencyLimit.Options()
        options.concurrency = .fixed
        options.fixed.max = max
        return options
    }

    // MARK: - What operators see

    @Test func theLimitAndTheRefusedCallsAreSeen() throws {
        let backend = TestMetrics()
        let limit = ConcurrencyLimit(Replaceable(fixed(4)), now: { 5 * Self.second }, factory: backend)
        #expect(limit.snapshot.limit == 4 && limit.snapshot.refused == 0)
        let calls = begun(limit, 10, Self.call("critical"))
        #expect(calls.count == 4)
        #expect(limit.snapshot.inFlight == 4 && limit.snapshot.refused == 6)
        end(calls)
        #expect(limit.snapshot.inFlight == 0 && limit.snapshot.refused == 6)
        let refused = try backend.expectCounter("servicekit.server.refused_calls", [("reason", "concurrency")])
        #expect(refused.totalValue == 6)
        // Once a second.
        #expect(try backend.expectMeter("servicekit.server.concurrency_limit").values == [4])
        #expect(ConcurrencyLimit(ConcurrencyLimit.Options()).snapshot.limit == nil)
    }

    /// Operators find out by it why calls are refused.
    @Test func reflectionIsNeverRefused() {
        let operation = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
        let limit = ConcurrencyLimit(fixed(2))
        #expect(begun(limit, 10, Self.call()).count < 3)
        #expect(begun(limit, 10, Self.call(nil, operation)).count == 10)
        var options = RateLimit.Options()
        (options.perSecond, options.burst) = (0.001, 1)
        let rate = RateLimit(options)
        #expect(begun(rate, 10, Self.call()).count == 1)
        #expect(begun(rate, 10, Self.call(nil, operation)).count == 10)
        #expect(rate.refusedCalls == 9)
    }

    // MARK: - Concurrency

    @Test func sheddableCallsAreRefusedFirstAndCriticalOnesLast() {
        let limit = ConcurrencyLimit(fixed(20))
        let sheddable = begun(limit, 30, Self.call("sheddable"))
        #expect(sheddable.count == 9)
        #expect(begun(limit, 30, Self.call("no such priority")).count == 9)
        #expect(begun(limit, 30, Self.call("critical")).count == 2)
        end(sheddable)
        #expect(begun(limit, 30, Self.call("critical")).count == 9)
    }

    @Test func roomIsKeptForAsManyCriticalCallsAsThereWere() {
        let limit = ConcurrencyLimit(fixed(20))
        end(begun(limit, 8, Self.call("critical")))
        #expect(begun(limit, 30, Self.call()).count == 12)
        #expect(begun(limit, 30, Self.call("critical")).count == 8)
    }

    /// Found in simulation: with room kept for many critical calls, sheddable ones had as much as the others.
    @Test func sheddableCallsHaveHalfOfTheRoomThatIsNotKept() {
        let limit = ConcurrencyLimit(fixed(20))
        end(begun(limit, 12, Self.call("critical")))
        #expect(begun(limit, 30, Self.call("sheddable")).count == 4)
        #expect(begun(limit, 30, Self.call()).count == 4)
    }

    @Test func everyPriorityIsServedByTheSmallestLimit() {
        for priority in CallPriority.allCases {
            #expect(begun(ConcurrencyLimit(fixed(1)), 5, Self.call(priority.rawValue)).count == 1)
        }
    }

    @Test func methodsHaveLimitsOfTheirOwn() {
        var options = ConcurrencyLimit.Options()
        options.methods = ["/a.B/C": 2]
        let limit = ConcurrencyLimit(options)
        let calls = begun(limit, 5, Self.call("critical"))
        #expect(calls.count == 2)
        #expect(begun(limit, 5, Self.call(nil, "/a.B/Other")).count == 5)
        end(calls)
        #expect(begun(limit, 5, Self.call()).count == 2)
    }

    /// A service would match no call.
    @Test func limitOfAServiceIsRefused() {
        let yaml = "server: {limit: {methods: {/a.B/: 2}}}"
        #expect {
            _ = try App(configuration: Configuration(yaml: yaml), registry: MemoryRegistry(), environment: [:])
        } throws: { error in
            "\(error)".contains("/a.B/ is a service; a limit is for one method: write /a.B/METHOD")
        }
    }

    @Test func refusalIs429WithReasonAndPushback() throws {
        let limit = ConcurrencyLimit(fixed(1))
        var first = Self.call()
        try limit.beginServing(&first)
        var second = Self.call()
        let error = try #require(throws: PreparedError.self) { try limit.beginServing(&second) }
        #expect(error.serviceError.code == .tooManyRequests && error.serviceError.reason == "OVERLOADED")
        #expect(error.trailers["grpc-retry-pushback-ms"] == "100")
        var third = Self.call()
        #expect(throws: PreparedError.self) { try limit.beginServing(&third) }
    }

    @Test func callsThatHaveBegunDoNotCountForTheAdaptiveLimit() {
        let now = Watched(Self.second)
        let limit = Self.limit(Self.adaptive, now)
        // Slow handlers, or streams.
        var calls = begun(limit, 500, Self.call())
        for index in calls.indices { calls[index].begun() }
        now.set(2 * Self.second)
        #expect(begun(limit, 5, Self.call()).count == 5)
        now.set(3 * Self.second)
        end(calls)
        // Five wait since a second; ten may.
        #expect(begun(limit, 10, Self.call()).count == 5)
    }

    @Test func callThatEndsBeforeItBeginsWaitsNoLonger() {
        let now = Watched(Self.second)
        let limit = Self.limit(Self.adaptive, now)
        let calls = begun(limit, 50, Self.call())
        now.set(2 * Self.second)
        #expect(begun(limit, 5, Self.call()).isEmpty)
        end(calls)
        #expect(begun(limit, 5, Self.call()).count == 5)
    }

    @Test func methodsHaveLimitsBesideTheAdaptiveOne() throws {
        let now = Watched(Self.second)
        var options = ConcurrencyLimit.Options()
        options.methods = ["/a.B/C": 2]
        let limit = Self.limit(options, now)
        var calls = begun(limit, 5, Self.call())
        #expect(calls.count == 2)
        for index in calls.indices { calls[index].begun() }
        #expect(begun(limit, 5, Self.call()).isEmpty)
        end(calls)
        #expect(begun(limit, 5, Self.call()).count == 2)
    }

    @Test func lateCallIsRefusedWithReasonAndPushback() throws {
        let now = Watched(Self.second)
        let limit = Self.limit(Self.adaptive, now)
        _ = begun(limit, 50, Self.call())
        now.set(2 * Self.second)
        var call = Self.call()
        let error = try #require(throws: PreparedError.self) { try limit.beginServing(&call) }
        #expect(error.serviceError.code == .tooManyRequests && error.serviceError.reason == "OVERLOADED")
        #expect(error.trailers["grpc-retry-pushback-ms"] == "100")
    }

    /// Other programs have the processors, or the machine stood still.
    @Test func timeWithoutAProcessorIsNoReasonToRefuseCalls() {
        let now = Watched(Self.second)
        let usage = ProcessorUsage(processors: 1) { 0 }
        let limit = ConcurrencyLimit(Replaceable(Self.adaptive), now: { now.value }, usage: usage)
        _ = begun(limit, 50, Self.call())
        now.set(2 * Self.second)
        #expect(begun(limit, 50, Self.call()).count == 50)
    }

    @Test func chainTellsWhenItsCallsBegin() async throws {
        let now = Watched(Self.second)
        let limit = Self.limit(Self.adaptive, now)
        // Two of them, as for two prefixes.
        var chain = MiddlewareChain(limit)
        chain.use(Self.limit(Self.adaptive, now), for: .prefix("/a.B/"))
        for _ in 0..<100 {
            var call = Self.call()
            try await chain.begin(&call)
        }
        now.set(2 * Self.second)
        var call = Self.call()
        try await chain.begin(&call)
    }

    @Test func refusalsAreLoggedOnceInTenSeconds() {
        let now = Watched(Self.second)
        let log = LogRecorder()
        let limit = ConcurrencyLimit(Replaceable(fixed(1)), logger: log.logger()) { now.value }
        _ = begun(limit, 1, Self.call())
        for _ in 0..<100 { _ = begun(limit, 1, Self.call()) }
        now.set(12 * Self.second)
        _ = begun(limit, 1, Self.call())
        #expect(log.entries.count == 2)
    }

    // MARK: - Rates

    @Test func callersAreKnownByTheirAddressWithoutThePort() {
        var options = RateLimit.Options()
        options.perSecond = 1
        options.burst = 2
        let limit = RateLimit(Replaceable(options), now: { 1 })
        #expect(begun(limit, 5, Self.call(peer: "ipv4:10.0.0.1:5")).count == 2)
        #expect(begun(limit, 5, Self.call(peer: "ipv4:10.0.0.1:6")).isEmpty)
        #expect(begun(limit, 5, Self.call(peer: "ipv4:10.0.0.2:5")).count == 2)
        #expect(begun(limit, 5, Self.call(peer: "ipv6:[::1]:5")).count == 2)
    }

    /// A home, a phone or a hired machine has 2⁶⁴ addresses: with each of them a caller had a full bucket.
    @Test func callerWithManyIPv6AddressesHasOneBucket() {
        var options = RateLimit.Options()
        (options.perSecond, options.burst) = (1, 2)
        let limit = RateLimit(Replaceable(options), now: { 1 })
        let served = (1...1000).reduce(0) { served, number in
            let peer = "ipv6:[2001:db8:0:1:\(String(number, radix: 16))::\(String(number * 7, radix: 16))]:\(number)"
            return served + begun(limit, 1, Self.call(peer: peer)).count
        }
        #expect(served == 2)
        #expect(begun(limit, 5, Self.call(peer: "ipv6:[2001:db8:0:2::1]:5")).count == 2)
        // The same caller as on a listener of IPv4.
        #expect(begun(limit, 5, Self.call(peer: "ipv6:[::ffff:10.0.0.1]:5")).count == 2)
        #expect(begun(limit, 5, Self.call(peer: "ipv4:10.0.0.1:6")).isEmpty)
        #expect(begun(limit, 5, Self.call(peer: "ipv6:[::ffff:10.0.0.2]:5")).count == 2)
    }

    @Test func callersAreKnownByAHeaderOrByAFunction() throws {
        var options = RateLimit.Options()
        options.perSecond = 0.5
        options.burst = 2
        options.by = .header
        options.header = CallPriority.header
        let byHeader = RateLimit(Replaceable(options), now: { 1 })
        #expect(begun(byHeader, 5, Self.call("a")).count == 2)
        #expect(begun(byHeader, 5, Self.call("b")).count == 2)
        let byMethod = RateLimit(options) { $0.operation }
        #expect(begun(byMethod, 5, Self.call("a")).count == 2)
        var call = Self.call("b")
        let error = try #require(throws: PreparedError.self) { try byMethod.beginServing(&call) }
        #expect(error.serviceError.reason == "RATE_LIMITED")
        #expect(error.trailers["grpc-retry-pushback-ms"] == "2000")
    }

    // MARK: - The App

    @Test func callsThatDoNotWaitAreNotRefusedByDefault() async throws {
        let app = try App(configuration: Configuration(), registry: MemoryRegistry(), environment: [:])
        for _ in 0..<2000 {
            var call = Self.call()
            try await app.serverMiddleware.begin(&call)
        }
    }

    @Test func warningNamesTheSectionOfTheRateLimit() {
        var options = RateLimit.Options()
        options.perSecond = 1
        options.burst = 1
        let log = LogRecorder()
        let limit = RateLimit(Replaceable(options), section: "server.rate-limit", logger: log.logger(), now: { 1 })
        _ = begun(limit, 2, Self.call("a"))
        #expect(log.entries.map(\.message) == ["refusing calls that come too fast; see server.rate-limit"])
    }

    @Test func appHasTheConfiguredLimits() async throws {
        let yaml = "server: {limit: {concurrency: fixed, fixed: {max: 1}}, rate-limit: {per-second: 1, burst: 2}}"
        let app = try App(configuration: Configuration(yaml: yaml), registry: MemoryRegistry(), environment: [:])
        var reasons: [String] = []
        for _ in 0..<3 {
            var call = Self.call()
            do { try await app.serverMiddleware.begin(&call) } catch {
                reasons.append(ServiceError(error)?.reason ?? "")
            }
        }
        #expect(reasons == ["OVERLOADED", "RATE_LIMITED"])
    }
}
