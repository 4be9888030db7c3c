import ServiceKitConfig
import Testing

@testable import ServiceKit

@Suite struct WaitingCallsTests {
    private static let millisecond: UInt64 = 1_000_000

    /// A server that begins one call after the other.
    private struct Server {
        var options = {
            var options = ConcurrencyLimit.Options.Adaptive()
            options.targetDelay = .milliseconds(50)
            options.min = 10
            return options
        }()
        var waiting = WaitingCalls()
        var now = WaitingCallsTests.millisecond
        var queue: [(number: UInt64, arrival: UInt64)] = []
        var delays: [UInt64] = []
        var refused = 0

        /// Lets a call arrive.
        mutating func arrive(_ priority: CallPriority = .default) {
            if let number = waiting.arrive(priority, at: now, options) {
                queue.append((number, now))
            } else {
                refused += 1
            }
        }

        /// Begins the call that has waited longest.
        mutating func begin() {
            if queue.isEmpty { return }
            let (number, arrival) = queue.removeFirst()
            waiting.leave(number, hasBegun: true, at: now)
            delays.append(now > arrival ? now - arrival : 0)
        }

        /// Each millisecond some calls arrive and one begins.
        mutating func run(arrivals: Int, for milliseconds: Int, _ priority: CallPriority = .default) {
            for _ in 0..<milliseconds {
                now += WaitingCallsTests.millisecond
                for _ in 0..<arrivals { arrive(priority) }
                begin()
            }
        }
    }

    @Test(arguments: [2, 5]) func delayStaysWithinItsBoundUnderOverload(_ factor: Int) {
        var server = Server()
        server.run(arrivals: factor, for: 1000)
        // At first, calls are not late yet: so many more are let in as arrive in a quarter of the bound.
        let peak = 50 * Double(factor) / 4
        #expect(server.delays.max() ?? 0 <= UInt64(max(peak, 50) * 1.3) * Self.millisecond)
        // Afterwards the delay is at its bound. The server is never idle.
        #expect(server.delays.suffix(500).allSatisfy { (35...65).contains($0 / Self.millisecond) })
        #expect(server.delays.count >= 998)
    }

    @Test func importantCallsMayWaitLonger() {
        var delays: [UInt64] = []
        for priority in CallPriority.allCases.sorted() {
            var server = Server()
            server.run(arrivals: 3, for: 1000, priority)
            delays.append((server.delays.last ?? 0) / Self.millisecond)
        }
        #expect(
            (18...32).contains(delays[0]) && (40...60).contains(delays[1]) && (85...115).contains(delays[2]),
            "\(delays)")
    }

    @Test func burstThatIsServedSoonIsNotRefused() {
        var server = Server()
        for _ in 0..<1000 { server.arrive() }
        server.now += 10 * Self.millisecond
        for _ in 0..<1000 { server.arrive() }
        for _ in 0..<2000 { server.begin() }
        #expect(server.refused == 0 && server.waiting.count == 0)
    }

    @Test func callsAreAdmittedAsSoonAsTheQueueIsGone() {
        var server = Server()
        server.run(arrivals: 5, for: 300)
        #expect(server.refused > 0)
        while !server.queue.isEmpty { server.begin() }
        server.refused = 0
        server.run(arrivals: 1, for: 1000)
        #expect(server.refused == 0)
    }

    /// Event loops: all calls of a read arrive at once, when all of the read before have begun.
    @Test func batchesAreBoundedByTheDelayOfTheLast() {
        var server = Server()
        func serve(_ count: Int) -> UInt64 {
            let begin = server.now
            for _ in 0..<count { server.arrive() }
            while !server.queue.isEmpty {
                server.now += Self.millisecond
                server.begin()
            }
            return (server.now - begin) / Self.millisecond
        }
        #expect(serve(200) == 200)
        #expect((40...60).contains(serve(200)))
        #expect((40...60).contains(serve(200)))
        // After a pause the past does not count.
        server.now += 1000 * Self.millisecond
        #expect(serve(200) == 200)
    }

    /// Handlers that block all threads.
    @Test func callsAreRefusedWhenNoneBegins() {
        var server = Server()
        for _ in 0..<5 { server.arrive() }
        server.now += 10_000 * Self.millisecond
        // `min` calls may wait in any case.
        for _ in 0..<20 { server.arrive() }
        #expect(server.waiting.count == 10)
        for _ in 0..<20 { server.arrive(.critical) }
        #expect(server.waiting.count == 20)
        #expect(server.refused == 25)
    }

    @Test func callThatEndsBeforeItBeginsLeaves() {
        var server = Server()
        for _ in 0..<3 { server.arrive() }
        let numbers = server.queue.map(\.number)
        server.waiting.leave(numbers[1], hasBegun: false, at: server.now)
        server.waiting.leave(numbers[1], hasBegun: true, at: server.now)
        #expect(server.waiting.count == 2)
        server.waiting.leave(numbers[0], hasBegun: true, at: server.now)
        server.waiting.leave(numbers[2], hasBegun: false, at: server.now)
        server.waiting.leave(numbers[2], hasBegun: false, at: server.now)
        server.waiting.leave(numbers[0], hasBegun: false, at: server.now)
        #expect(server.waiting.count == 0)
    }

    @Test func clockThatGoesBackDoesNoHarm() {
        var server = Server()
        server.now = 1000 * Self.millisecond
        for _ in 0..<20 { server.arrive() }
        server.now = 900 * Self.millisecond
        server.arrive()
        server.begin()
        server.arrive()
        #expect(server.refused == 0)
    }
}
