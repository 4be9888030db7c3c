import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(1)))
struct PhaseTests {
    let clock = TestClock()
    var phase: Phase { Phase(name: "counting", limit: .seconds(3), clock: clock) }

    @Test func phaseReturnsTheValueOfItsBody() async throws {
        #expect(try await phase.run { 7 } == 7)
    }

    @Test func failureNamesThePhase() async {
        await #expect(throws: AppError("counting: lost count")) {
            try await phase.run { throw Failure("lost count") }
        }
    }

    @Test func phaseEndsAtItsLimitWithoutWaitingForItsBody() async {
        let gate = Gate()
        defer { gate.open() }
        let result = Task { [phase] in try await phase.run { await gate.passIgnoringCancellation() } }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(3))
        await #expect(throws: AppError("counting took longer than 3.0 seconds")) { try await result.value }
    }

    @Test func hurriedPhaseCancelsItsBody() async {
        let hurry = Gate()
        let isCancelled = Gate()
        let result = Task { [phase] in
            try await phase.run(hurry: { try? await hurry.pass() }) {
                try? await Gate().pass()
                isCancelled.open()
            }
        }
        await clock.waitForSleepers()
        hurry.open()
        await #expect(throws: CancellationError.self) { try await result.value }
        await #expect(throws: Never.self) { try await isCancelled.pass() }
    }

    @Test func cancelledTaskDoesNotBegin() async {
        let events = Events()
        let task = Task {
            try? await Gate().pass()
            try await phase.run { events.record("begun") }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(events.all == [])
    }

    @Test func cancellationErrorWithoutCancellationIsAFailure() async {
        await #expect(throws: AppError("counting: CancellationError()")) {
            try await phase.run { throw CancellationError() }
        }
    }
}
