import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@testable import ServiceKitGRPC

/// Circuit breakers of clients and servers, over real connections.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct BreakerTests {
    private final class Reports: CallObserver {
        let all = Watched<[CallReport]>([])
        func ended(_ report: CallReport) { all.update { $0.append(report) } }
    }

    private static let failing: TestService.Handler = { _, _ in
        throw ServiceError(.unavailable, reason: "DATABASE_DOWN", message: "the database is down")
    }

    private static func breaker(k: Double = 4, minRequests: Int = 10) -> CircuitBreaker.Options {
        var options = CircuitBreaker.Options()
        options.enabled = true
        // Nothing is forgotten during a test.
        options.window = .seconds(3600)
        (options.k, options.minRequests) = (k, minRequests)
        return options
    }

    private static func options(_ breaker: CircuitBreaker.Options = breaker()) -> ChannelOptions {
        var options = ChannelOptions()
        options.balancer = "round_robin"
        options.breaker = breaker
        return options
    }

    /// The reasons of the errors of some calls, one after the other.
    private func reasons(_ count: Int, _ client: TestClient, _ method: String = "Work") async -> [String] {
        var reasons: [String] = []
        for _ in 0..<count {
            if let failure = await client.failure(method) { reasons.append(failure.serviceError.reason) }
        }
        return reasons
    }

    @Test func aFailingInstanceIsPassedOver() async throws {
        try await withTestBed { bed in
            try await bed.server("a", ["Work": Self.failing])
            try await bed.server("b", ["Work": { _, _ in .text("b") }])
            let client = try bed.client(Self.options())
            // Not by calls: those that the instance answers would keep its breaker closed.
            try await eventually { client.channel.snapshot().nodes.count(where: \.isEligible) == 2 }
            let reasons = await reasons(200, client)
            // Without a breaker it is half of them.
            #expect(reasons.count < 60, "\(reasons.count)")
            let probabilities = client.channel.snapshot().nodes.map(\.refusalProbability)
            #expect(probabilities.count == 2 && probabilities[0] > 0.5 && probabilities[1] == 0, "\(probabilities)")
            #expect(reasons.allSatisfy { $0 == "DATABASE_DOWN" })
        }
    }

    @Test func aMethodThatFailsEverywhereIsHeldBackAndAnotherIsNot() async throws {
        try await withTestBed { bed in
            let calls = Atomic(0)
            let failing: TestService.Handler = { request, context in
                calls.add(1, ordering: .relaxed)
                return try await Self.failing(request, context)
            }
            try await bed.server("a", ["Work": failing])
            let reports = Reports()
            let client = try bed.client(
                // The other method keeps the instance's breaker closed.
                Self.options(Self.breaker(k: 100)), pipeline: NodePipeline(observers: [reports]))
            #expect(await reasons(100, client, "Name").isEmpty)
            let reasons = await reasons(200, client)
            #expect(reasons.count == 200)
            let refused = reasons.count { $0 == "CIRCUITBREAKER" }
            let made = calls.load(ordering: .relaxed)
            #expect(made < 60 && refused == 200 - made, "\(made)")
            #expect(await self.reasons(50, client, "Name").isEmpty)
            // A refused call is none of the instance's: no observer hears of it.
            let failures = reports.all.value.count { $0.outcome == .failure }
            #expect(failures == made)
            let snapshot = client.channel.snapshot()
            #expect(snapshot.nodes.allSatisfy { $0.inFlight == 0 })
            #expect(snapshot.breakers.map(\.operation) == ["/test.Service/Work"])
            #expect(snapshot.refusedCalls == refused)
        }
    }

    @Test func callsFailWhenEveryInstanceIsHeldBack() async throws {
        try await withTestBed { bed in
            // No method has so many calls that its own breaker refuses any: only those of the instances can.
            let methods = (0..<20).map { "Work\($0)" }
            let handlers = Dictionary(uniqueKeysWithValues: methods.map { ($0, Self.failing) })
            for id in ["a", "b"] { try await bed.server(id, handlers) }
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            var failures: [String] = []
            for method in methods { failures += await reasons(9, client, method) }
            #expect(failures.count == 180)
            #expect(failures.prefix(10).allSatisfy { $0 == "DATABASE_DOWN" })
            #expect(failures.count { $0 == "CIRCUITBREAKER" } > 80, "\(failures)")
            #expect(balancer.inFlight.value == 0)
        }
    }

    @Test func callsLeaveTheOwnZoneWhenEveryInstanceInItIsHeldBack() async throws {
        try await withTestBed { bed in
            let methods = (0..<20).map { "Work\($0)" }
            let failing = Dictionary(uniqueKeysWithValues: methods.map { ($0, Self.failing) })
            let answer: TestService.Handler = { _, _ in .text("far") }
            let serving = Dictionary(uniqueKeysWithValues: methods.map { ($0, answer) })
            for id in ["near-1", "near-2"] { try await bed.server(id, failing, metadata: ["zone": "z"]) }
            try await bed.server("far", serving, metadata: ["zone": "y"])
            var options = Self.options()
            (options.zones.enabled, options.zones.own) = (true, "z")
            let client = try bed.client(options)
            // Only the own zone: the other one is connected to, and not chosen.
            try await eventually {
                let nodes = client.channel.snapshot().nodes
                return nodes.count { $0.connectivity == .ready } == 3 && nodes.count(where: \.isEligible) == 2
            }
            var failures: [String] = []
            for method in methods { failures += await reasons(9, client, method) }
            // Without the other zone, all 180 calls fail.
            #expect(failures.count < 90, "\(failures.count)")
            #expect(failures.allSatisfy { $0 == "DATABASE_DOWN" }, "\(failures)")
            let far = client.channel.snapshot().nodes.first { $0.id == "far" }
            #expect(far?.requests == UInt64(180 - failures.count))
        }
    }

    @Test func errorsOfTheCallerBreakNothing() async throws {
        try await withTestBed { bed in
            let missing: TestService.Handler = { _, _ in
                throw ServiceError(.notFound, reason: "NO_USER", message: "no such user")
            }
            try await bed.server("a", ["Work": missing])
            let client = try bed.client(Self.options())
            let reasons = await reasons(100, client)
            #expect(reasons.allSatisfy { $0 == "NO_USER" })
        }
    }

    @Test func aServerRefusesCallsOfAMethodThatFails() async throws {
        try await withTestBed { bed in
            let calls = Atomic(0)
            let failing: TestService.Handler = { _, _ in
                calls.add(1, ordering: .relaxed)
                throw ServiceError(.internalError, reason: "BROKEN", message: "broken")
            }
            try await bed.server("a", ["Work": failing], middleware: [CircuitBreakers(Self.breaker())])
            let client = try bed.client()
            let reasons = await reasons(200, client)
            #expect(reasons.count { $0 == "CIRCUITBREAKER" } > 100)
            #expect(reasons.count { $0 == "BROKEN" } == calls.load(ordering: .relaxed))
            #expect(await self.reasons(50, client, "Name").isEmpty)
        }
    }
}
