import ServiceKit
import ServiceKitTesting
import Testing

@Suite(.timeLimit(.minutes(1)))
struct TestClockTests {
    let clock = TestClock()

    @Test func advancingWakesDueSleepers() async throws {
        let woken = Watched<[Int]>([])
        try await withThrowingTaskGroup { group in
            for seconds in [3, 1, 2] {
                group.addTask {
                    try await clock.sleep(for: .seconds(seconds))
                    woken.update { $0.append(seconds) }
                }
            }
            await clock.waitForSleepers(3)
            clock.advance(by: .seconds(1))
            #expect(await woken.first { $0.count == 1 } == [1])
            clock.advance(by: .milliseconds(999))
            #expect(woken.value == [1])
            clock.advance(by: .seconds(10))
            try await group.waitForAll()
        }
        #expect(Set(woken.value) == [1, 2, 3])
    }

    @Test func pastDeadlineDoesNotWait() async throws {
        clock.advance(by: .seconds(1))
        try await clock.sleep(until: clock.now, tolerance: nil)
        #expect(TestClock().now.duration(to: clock.now) == .seconds(1))
    }

    @Test func cancelledSleepEnds() async {
        let task = Task { try await clock.sleep(for: .seconds(1)) }
        await clock.waitForSleepers()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let late = Task {
            await untilCancelled()
            try await clock.sleep(for: .seconds(1))
        }
        late.cancel()
        await #expect(throws: CancellationError.self) { try await late.value }
    }
}
