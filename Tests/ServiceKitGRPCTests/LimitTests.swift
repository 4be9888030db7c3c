import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@testable import ServiceKitGRPC

/// Limits of a server, over real connections.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct LimitTests {
    private static func limit(_ max: Int) -> ConcurrencyLimit {
        var options = ConcurrencyLimit.Options()
        options.concurrency = .fixed
        options.fixed.max = max
        return ConcurrencyLimit(options)
    }

    @Test func refusedCallHasTheErrorAndThePushback() async throws {
        let gate = Gate()
        try await withTestBed { bed in
            try await bed.server("a", ["Hold": TestService.text("held", behind: gate)], middleware: [Self.limit(1)])
            let client = try bed.client()
            let first = Task { try await client.text("Hold") }
            await gate.waitForArrivals()
            for _ in 0..<3 {
                let failure = try #require(await client.failure())
                #expect(failure.code == .resourceExhausted)
                #expect(failure.serviceError.code == .tooManyRequests && failure.serviceError.reason == "OVERLOADED")
                #expect(failure.metadata.text("grpc-retry-pushback-ms") == "100")
            }
            gate.open()
            #expect(try await first.value == "held")
            #expect(try await client.text() == "a")
        }
    }

    /// 64 callers at three times the capacity. Eight of them are critical, and call again as soon as they have an answer. A refused
    /// caller waits for as long as a call takes: so the others leave the processor to the critical ones.
    @Test func criticalCallsAreServedUnderThreeTimesTheCapacity() async throws {
        let capacity = 21
        let running = Mutex((now: 0, peak: 0))
        let handler: TestService.Handler = { _, _ in
            running.withLock { running in
                running.now += 1
                running.peak = max(running.peak, running.now)
            }
            try await Task.sleep(for: .milliseconds(5))
            running.withLock { $0.now -= 1 }
            return .text("served")
        }
        try await withTestBed { bed in
            try await bed.server("a", ["Work": handler], middleware: [Self.limit(capacity)])
            let client = try bed.client()
            _ = try await client.text()
            // Enough of the critical callers' calls to tell 99 % from less.
            let left = Watched(1000)
            // The others begin when the critical callers are known.
            let areKnown = Watched(0)
            let counts = await withTaskGroup(of: (isCritical: Bool, served: Int, refused: Int).self) { group in
                for number in 0..<64 {
                    let isCritical = number.isMultiple(of: 8)
                    let metadata: Metadata = isCritical ? ["x-md-global-priority": "critical"] : [:]
                    group.addTask {
                        var (served, refused) = (0, 0)
                        if !isCritical { _ = await areKnown.first { $0 >= 64 } }
                        while left.value > 0 {
                            let text = try? await client.text("Work", metadata: metadata)
                            if text == nil { refused += 1 } else { served += 1 }
                            guard isCritical else {
                                if text == nil { try? await Task.sleep(for: .milliseconds(5)) }
                                continue
                            }
                            left.update { $0 -= 1 }
                            areKnown.update { $0 += 1 }
                        }
                        return (isCritical, served, refused)
                    }
                }
                var counts: [Bool: (served: Int, refused: Int)] = [:]
                for await one in group {
                    counts[one.isCritical, default: (0, 0)].served += one.served
                    counts[one.isCritical, default: (0, 0)].refused += one.refused
                }
                return counts
            }
            let critical = try #require(counts[true])
            let others = try #require(counts[false])
            #expect(Double(critical.served) >= 0.99 * Double(critical.served + critical.refused), "\(counts)")
            // The others are held back, and not starved.
            #expect(others.refused > 0 && others.served > 0, "\(counts)")
            // No call waits for another: that is why served calls stay fast.
            #expect(running.withLock(\.peak) <= capacity)
        }
    }

    private static func adaptive(_ target: Duration) -> ConcurrencyLimit {
        var options = ConcurrencyLimit.Options()
        options.concurrency = .adaptive
        options.adaptive.targetDelay = target
        options.adaptive.min = 10
        return ConcurrencyLimit(options)
    }

    /// A slow database: handlers wait, and let others run. Their time is no queueing delay.
    @Test func slowHandlersAreNoQueue() async throws {
        let running = Mutex((now: 0, peak: 0))
        let slow: TestService.Handler = { _, _ in
            running.withLock { running in
                running.now += 1
                running.peak = max(running.peak, running.now)
            }
            try await Task.sleep(for: .seconds(4))
            running.withLock { $0.now -= 1 }
            return .text("served")
        }
        try await withTestBed { bed in
            // A bound above the time that a busy machine takes to begin 40 calls, and below that of a handler.
            try await bed.server("a", ["Work": slow], middleware: [Self.adaptive(.seconds(3))])
            let client = try bed.client()
            let served = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        var served = 0
                        for _ in 0..<2 where await client.failure("Work") == nil { served += 1 }
                        return served
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(served == 80)
            #expect(running.withLock(\.peak) >= 30)
        }
    }

    /// Handlers that compute: the calls behind them wait to begin.
    @Test func callsThatWouldWaitForProcessorsAreRefused() async throws {
        let busy: TestService.Handler = { _, _ in
            let end = ContinuousClock.now + .milliseconds(2)
            while ContinuousClock.now < end {}
            return .text("served")
        }
        try await withTestBed { bed in
            try await bed.server("a", ["Work": busy], middleware: [Self.adaptive(.milliseconds(20))])
            let client = try bed.client()
            let left = Watched(5000)
            let outcomes = Shared((served: 0, refused: 0, others: 0))
            await withTaskGroup(of: Void.self) { group in
                // As few as wait for long enough: other tests share the event loops.
                for _ in 0..<30 {
                    group.addTask {
                        while left.value > 0 {
                            let failure = await client.failure("Work")
                            left.update { $0 -= 1 }
                            let reason = failure?.serviceError.reason
                            outcomes.update { outcomes in
                                switch reason {
                                case nil: outcomes.served += 1
                                case "OVERLOADED": outcomes.refused += 1
                                default: outcomes.others += 1
                                }
                            }
                            // Enough is known.
                            if outcomes.value.refused >= 50 { left.set(0) }
                        }
                    }
                }
            }
            let counts = outcomes.value
            #expect(counts.refused >= 50 && counts.served > 0 && counts.others == 0, "\(counts)")
        }
    }

    @Test func priorityTravelsWithTheCallsThatAHandlerMakes() async throws {
        let seen = Watched<[String?]>([])
        let recorder: TestService.Handler = { request, _ in
            seen.update { $0.append(request.metadata.text(CallPriority.header)) }
            return .text("")
        }
        try await withTestBed { bed in
            let inner = try bed.client(middleware: [MetadataPropagation()])
            let outer: TestService.Handler = { _, _ in .text(try await inner.text("Inner")) }
            try await bed.server("a", ["Outer": outer, "Inner": recorder], middleware: [MetadataPropagation()])
            let client = try bed.client()
            _ = try await client.text("Outer", metadata: ["x-md-global-priority": "sheddable"])
            #expect(seen.value == ["sheddable"])
        }
    }
}
