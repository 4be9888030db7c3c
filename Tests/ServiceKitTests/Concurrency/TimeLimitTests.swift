import ServiceKitConcurrency
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(1)))
struct TimeLimitTests {
    let clock = TestClock()

    @Test func resultBeforeTheLimitIsReturned() async throws {
        #expect(try await withTimeLimit(.seconds(1), clock: clock) { 7 } == 7)
        await #expect(throws: Failure("no")) {
            try await withTimeLimit(.seconds(1), clock: clock) { throw Failure("no") }
        }
    }

    @Test func bodyIsCancelledAtTheLimit() async {
        let isCancelled = Gate()
        let result = Task { [clock] in
            try await withTimeLimit(.seconds(1), clock: clock) {
                try? await Gate().pass()
                isCancelled.open()
            }
        }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(1))
        await #expect(throws: TimeLimitExceeded(limit: .seconds(1))) { try await result.value }
        await #expect(throws: Never.self) { try await isCancelled.pass() }
    }

    @Test func aBodyThatIgnoresCancellationIsLeftBehind() async {
        let gate = Gate()
        let isOver = Gate()
        let result = Task { [clock] in
            try await withTimeLimit(.seconds(1), clock: clock) {
                await gate.passIgnoringCancellation()
                isOver.open()
            }
        }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(1))
        await #expect(throws: TimeLimitExceeded.self) { try await result.value }
        gate.open()
        await #expect(throws: Never.self) { try await isOver.pass() }
    }

    @Test func cancellationOfTheCallerEndsTheWait() async {
        let gate = Gate()
        defer { gate.open() }
        let task = Task { [clock] in
            try await withTimeLimit(.seconds(1), clock: clock) { await gate.passIgnoringCancellation() }
        }
        await clock.waitForSleepers()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func noTaskSleepsAfterwards() async throws {
        try await withTimeLimit(.seconds(1), clock: clock) { [clock] in await clock.waitForSleepers() }
        async let other: Void = clock.sleep(for: .seconds(1))
        await clock.waitForSleepers()
        clock.advance(by: .seconds(1))
        try await other
    }
}

@Suite(.timeLimit(.minutes(1)))
struct DeadlineTests {
    let clock = TestClock()

    @Test func resultBeforeTheDeadlineIsReturned() async throws {
        let deadline = clock.now.advanced(by: .seconds(1))
        #expect(try await withDeadline(deadline, clock: clock, onExpiry: Failure("late")) { 7 } == 7)
        await #expect(throws: Failure("no")) {
            try await withDeadline(deadline, clock: clock, onExpiry: Failure("late")) { throw Failure("no") }
        }
    }

    @Test func bodyIsCancelledAtTheDeadlineAndAwaited() async {
        let events = Events()
        let deadline = clock.now.advanced(by: .seconds(1))
        let result = Task { [clock] in
            try await withDeadline(deadline, clock: clock, onExpiry: Failure("late")) {
                try? await Gate().pass()
                events.record("ended")
            }
        }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(1))
        await #expect(throws: Failure("late")) { try await result.value }
        #expect(events.all == ["ended"])
    }

    @Test func cancellationOfTheCallerReachesTheBody() async {
        let deadline = clock.now.advanced(by: .seconds(1))
        let task = Task { [clock] in
            try await withDeadline(deadline, clock: clock, onExpiry: Failure("late")) { try await Gate().pass() }
        }
        await clock.waitForSleepers()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
