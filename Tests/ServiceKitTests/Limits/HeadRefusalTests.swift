import Metrics
import MetricsTestKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKit

/// Refusals by the head of a call, before the call is made.
@Suite struct HeadRefusalTests {
    private static let second: UInt64 = 1_000_000_000

    private struct Fields: CallHeadFields {
        var texts: [String: String] = [:]
        var timeout: Duration?

        func text(of name: String) -> String? { texts[name] }
    }

    private static func head(
        _ operation: String = "/a.B/C", peer: String = "ipv4:10.0.0.1:5", _ texts: [String: String] = [:]
    ) -> CallHead {
        CallHead(transport: "grpc", operation: operation, peer: peer, fields: Fields(texts: texts))
    }

    private static func call(_ priority: String? = nil, peer: String = "ipv4:10.0.0.1:6") -> Call {
        var metadata = CallMetadata()
        metadata[CallPriority.header] = priority
        return Call(side: .server, operation: "/a.B/C", peer: peer, metadata: metadata)
    }

    private static func fixed(_ max: Int, _ now: Watched<UInt64>) -> ConcurrencyLimit {
        var options = ConcurrencyLimit.Options()
        options.concurrency = .fixed
        options.fixed.max = max
        return ConcurrencyLimit(Replaceable(options), now: { now.value })
    }

    private static func rate(by caller: RateLimit.Options.Caller = .peer, _ now: Watched<UInt64>) -> RateLimit {
        var options = RateLimit.Options()
        (options.perSecond, options.burst, options.by, options.header) = (1, 2, caller, "X-Tenant")
        return RateLimit(Replaceable(options), now: { now.value })
    }

    /// Begins calls until one is refused.
    private func fill(_ chain: MiddlewareChain, _ call: Call = call()) -> [Call] {
        var begun: [Call] = []
        while true {
            var call = call
            do {
                try chain.beginSynchronously(&call)
            } catch {
                var result = CallResult(error: error)
                call.end(with: &result)
                return begun
            }
            begun.append(call)
        }
    }

    private func end(_ calls: [Call]) {
        for var call in calls {
            var result = CallResult()
            call.end(with: &result)
        }
    }

    @Test func headsAreRefusedForASecondAfterARefusal() throws {
        let now = Watched(Self.second)
        let limit = Self.fixed(10, now)
        let chain = MiddlewareChain(limit)
        #expect(!chain.refusesHeads && chain.refusal(of: Self.head()) == nil)
        let calls = fill(chain)
        #expect(calls.count == 9 && limit.snapshot.refused == 1)
        #expect(chain.refusesHeads)
        let (error, trailers) = try #require(chain.refusal(of: Self.head()))
        #expect(error.serviceError.reason == "OVERLOADED" && trailers.isEmpty)
        #expect(error.trailers["servicekit-refused"] == "1")
        #expect(limit.snapshot.refused == 2 && limit.snapshot.inFlight == 9)
        // Each refusal counts anew for the second.
        now.set(2 * Self.second - 1)
        #expect(chain.refusal(of: Self.head()) != nil)
        now.set(3 * Self.second - 2)
        #expect(chain.refusal(of: Self.head()) != nil)
        now.set(4 * Self.second)
        #expect(chain.refusal(of: Self.head()) == nil)
        #expect(!chain.refusesHeads)
        end(calls)
    }

    @Test func callThatFindsRoomIsNeitherRefusedNorCounted() {
        let now = Watched(Self.second)
        let limit = Self.fixed(10, now)
        let chain = MiddlewareChain(limit)
        let calls = fill(chain)
        #expect(chain.refusal(of: Self.head([CallPriority.header: "critical"])) == nil)
        #expect(limit.snapshot.inFlight == calls.count)
        end(calls)
        #expect(chain.refusal(of: Self.head()) == nil && limit.snapshot.inFlight == 0)
    }

    private static func head(_ texts: [String: String]) -> CallHead { head("/a.B/C", texts) }

    @Test func callsThatWouldWaitTooLongAreRefusedByPriority() {
        let now = Watched(Self.second)
        var options = ConcurrencyLimit.Options()
        options.adaptive.targetDelay = .milliseconds(50)
        options.adaptive.min = 10
        let usage = ProcessorUsage(processors: 1) { now.value }
        let chain = MiddlewareChain(ConcurrencyLimit(Replaceable(options), now: { now.value }, usage: usage))
        for _ in 0..<20 {
            var call = Self.call()
            try? chain.beginSynchronously(&call)
        }
        now.set(Self.second + Self.second / 10)
        #expect(fill(chain).isEmpty)
        #expect(chain.refusal(of: Self.head())?.error.serviceError.message.contains("wait too long") == true)
        #expect(chain.refusal(of: Self.head([CallPriority.header: "sheddable"])) != nil)
        #expect(chain.refusal(of: Self.head([CallPriority.header: "critical"])) != nil)
        #expect(chain.refusal(of: Self.head("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")) == nil)
    }

    @Test func callThatWouldBeLateIsRefusedByItsHead() {
        let now = Watched(Self.second)
        let usage = ProcessorUsage(processors: 1) { now.value }
        let limit = ConcurrencyLimit(Replaceable(ConcurrencyLimit.Options()), now: { now.value }, usage: usage)
        let chain = MiddlewareChain(limit)
        // 20 calls, of which one begins each 10 ms.
        var calls = (0..<20).map { _ in Self.call() }
        for index in calls.indices { try? chain.beginSynchronously(&calls[index]) }
        for index in 0..<10 {
            now.update { $0 += Self.second / 100 }
            calls[index].begun()
        }
        func head(_ timeout: Duration?) -> CallHead {
            CallHead(transport: "grpc", operation: "/a.B/C", peer: "", fields: Fields(timeout: timeout))
        }
        // Nobody has been refused yet.
        #expect(chain.refusal(of: head(.milliseconds(100))) == nil)
        var late = Call(side: .server, operation: "/a.B/C", deadline: .now + .milliseconds(100))
        #expect(throws: PreparedError.self) { try chain.beginSynchronously(&late) }
        #expect(chain.refusal(of: head(.milliseconds(100)))?.error.serviceError.reason == "OVERLOADED")
        #expect(chain.refusal(of: head(.seconds(1))) == nil && chain.refusal(of: head(nil)) == nil)
    }

    @Test func rateIsThatOfThePeerOrOfAHeader() {
        let now = Watched(Self.second)
        let byPeer = MiddlewareChain(Self.rate(now))
        #expect(fill(byPeer).count == 2)
        #expect(byPeer.refusal(of: Self.head(peer: "ipv4:10.0.0.1:99"))?.error.serviceError.reason == "RATE_LIMITED")
        #expect(byPeer.refusal(of: Self.head(peer: "ipv4:10.0.0.2:99")) == nil)
        let byHeader = MiddlewareChain(Self.rate(by: .header, now))
        #expect(fill(byHeader).count == 2)
        #expect(byHeader.refusal(of: Self.head()) != nil)
        #expect(byHeader.refusal(of: Self.head(["x-tenant": "b"])) == nil)
        // A token comes.
        now.set(Self.second + Self.second * 9 / 10)
        #expect(byPeer.refusal(of: Self.head()) != nil)
        now.set(2 * Self.second)
        #expect(byPeer.refusal(of: Self.head()) == nil)
        #expect(fill(byPeer).count == 1)
    }

    @Test func subjectsAndKeysOfTheProgramAreNotInHeads() {
        let now = Watched(Self.second)
        let bySubject = MiddlewareChain(Self.rate(by: .subject, now))
        #expect(bySubject.refusal(of: Self.head()) == nil && !bySubject.refusesHeads)
        var options = RateLimit.Options()
        (options.perSecond, options.burst) = (0.001, 1)
        let byFunction = MiddlewareChain(RateLimit(options) { $0.operation }, Self.fixed(1, now))
        #expect(fill(byFunction).count == 1)
        // It has to see whole calls, and so has what stands inside it.
        #expect(!byFunction.refusesHeads && byFunction.refusal(of: Self.head()) == nil)
    }

    @Test func middlewareOutsideThatSeesCallsOnlySeesThemAll() {
        struct Other: Middleware {}
        let now = Watched(Self.second)
        let chain = MiddlewareChain(Other(), Self.fixed(1, now))
        #expect(!chain.refusesHeads && chain.refusal(of: Self.head()) == nil)
        #expect(MiddlewareChain(Self.fixed(1, now), Other()).refusal(of: Self.head()) == nil)
    }

    @Test func ruleOfALimitHolds() {
        let now = Watched(Self.second)
        var chain = MiddlewareChain()
        chain.use(Self.fixed(1, now), for: .prefix("/a."))
        let calls = fill(chain)
        #expect(chain.refusal(of: Self.head()) != nil && chain.refusal(of: Self.head("/b.B/C")) == nil)
        end(calls)
    }

    @Test func middlewareOutsideCountsTheRefusal() throws {
        let now = Watched(Self.second)
        let backend = TestMetrics()
        let load = ServedLoad()
        let rate = Self.rate(now)
        let chain = MiddlewareChain(
            LoadReporting(load, now: { now.value }), CallMetrics(factory: backend), rate, Self.fixed(1, now))
        let calls = fill(chain)
        #expect(calls.count == 1)
        // A call that the inner limit refuses has taken its token: of two, the peer has none left behind two calls. For the first
        // such refusal by the rate, nobody has refused by the rate before, so that it is not by the head.
        let heads = (0..<3).map { _ in chain.refusal(of: Self.head(peer: "ipv4:10.0.0.9:1")) }
        #expect(heads.map { $0?.error.serviceError.reason } == ["OVERLOADED", "OVERLOADED", "OVERLOADED"])
        #expect(heads.allSatisfy { $0?.trailers.values(of: LoadReport.trailer).count == 1 })
        #expect(fill(chain, Self.call(peer: "ipv4:10.0.0.9:2")).isEmpty && rate.refusedCalls == 1)
        let last = chain.refusal(of: Self.head(peer: "ipv4:10.0.0.9:3"))
        #expect(last?.error.serviceError.reason == "RATE_LIMITED")
        // The call that has begun is measured at its end.
        let timers = backend.timers(label: "rpc.server.call.duration")
        #expect(timers.count == 1 && timers.first?.values.count == 6)
        end(calls)
    }
}
