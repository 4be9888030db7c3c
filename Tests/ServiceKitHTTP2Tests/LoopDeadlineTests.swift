import NIOCore
import NIOPosix
import Testing

@testable import ServiceKitHTTP2

/// Deadlines on an event loop.
@Suite(.timeLimit(.minutes(1)))
struct LoopDeadlineTests {
    private static let loop = MultiThreadedEventLoopGroup.singleton.next()

    private static func deadline(in time: TimeAmount, _ action: @escaping () -> Void = {}) -> LoopDeadline {
        ActingDeadline(.now() + time, action)
    }

    /// Adds deadlines in this order, and waits for the last of them.
    private static func meetLast(of times: TimeAmount...) async throws {
        let (met, last) = AsyncStream.makeStream(of: Void.self)
        try await loop.submit {
            let timer = DeadlineTimer(loop: loop)
            for time in times.dropLast() { timer.add(deadline(in: time)) }
            for time in times.suffix(1) { timer.add(deadline(in: time) { last.yield() }) }
        }.get()
        // The time limit ends this, too.
        var iterator = met.makeAsyncIterator()
        try #require(await iterator.next())
    }

    @Test func laterAddedEarlierDeadlineIsMet() async throws {
        try await Self.meetLast(of: .hours(1), .milliseconds(10))
    }

    @Test func laterDeadlineIsMetToo() async throws {
        try await Self.meetLast(of: .milliseconds(1), .milliseconds(10))
    }

    @Test func deadlineAfterTheLastWasRemovedIsMet() async throws {
        let (met, last) = AsyncStream.makeStream(of: Void.self)
        try await Self.loop.submit {
            let timer = DeadlineTimer(loop: Self.loop)
            let removed = Self.deadline(in: .milliseconds(1)) { Issue.record("the removed deadline was met") }
            timer.add(removed)
            timer.remove(removed)
            timer.add(Self.deadline(in: .milliseconds(10)) { last.yield() })
        }.get()
        var iterator = met.makeAsyncIterator()
        try #require(await iterator.next())
    }

    @Test func timerWithoutDeadlinesKeepsNoScheduler() async throws {
        let isGone = try await Self.loop.submit {
            weak var gone: LoopScheduler?
            do {
                let scheduler = LoopScheduler(loop: Self.loop)
                gone = scheduler
                let deadlines = [Self.deadline(in: .hours(1)), Self.deadline(in: .hours(2))]
                for deadline in deadlines { scheduler.deadlines.add(deadline) }
                for deadline in deadlines { scheduler.deadlines.remove(deadline) }
            }
            return gone == nil
        }.get()
        #expect(isGone)
    }
}
