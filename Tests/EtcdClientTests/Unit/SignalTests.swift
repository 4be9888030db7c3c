import ServiceKit
import ServiceKitConcurrency
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SignalTests {
    private let signal = Signal()

    @Test func aSignalBeforeTheWaitIsKept() async {
        signal.raise()
        await signal.wait()
    }

    @Test func severalRaisesCountAsOne() async {
        for _ in 0..<3 { signal.raise() }
        await signal.wait()
        let returned = Watched(false)
        let waiter = Task {
            await signal.wait()
            returned.set(true)
        }
        for _ in 0..<100 { await Task.yield() }
        #expect(!returned.value)
        signal.raise()
        await waiter.value
    }

    @Test func aWaitingTaskIsResumed() async {
        let waiter = Task { await signal.wait() }
        for _ in 0..<100 { await Task.yield() }
        signal.raise()
        await waiter.value
        let next = Task { await signal.wait(until: .now.advanced(by: .milliseconds(20))) }
        await next.value
    }

    @Test func signalIsUsedUpByTheTaskItResumes() async {
        let waiter = Task { await signal.wait() }
        for _ in 0..<100 { await Task.yield() }
        signal.raise()
        await waiter.value
        let limit = Duration.milliseconds(20)
        let start = ContinuousClock.now
        await signal.wait(until: start.advanced(by: limit))
        #expect(start.duration(to: .now) >= limit)
    }

    @Test func cancellationEndsTheWait() async {
        let waiter = Task { await signal.wait() }
        for _ in 0..<100 { await Task.yield() }
        waiter.cancel()
        await waiter.value
        let cancelled = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await signal.wait()
        }
        await cancelled.value
    }

    @Test func deadlineEndsTheWait() async {
        let start = ContinuousClock.now
        await signal.wait(until: start.advanced(by: .milliseconds(20)))
        #expect(start.duration(to: .now) >= .milliseconds(20))
        await signal.wait(until: start)
        let waiter = Task { await signal.wait(until: nil) }
        for _ in 0..<100 { await Task.yield() }
        signal.raise()
        await waiter.value
    }

    @Test func signalEndsTheWaitBeforeItsDeadline() async {
        let waiter = Task { await signal.wait(until: .now.advanced(by: .seconds(3600))) }
        for _ in 0..<100 { await Task.yield() }
        signal.raise()
        await waiter.value
        let cancelled = Task { await signal.wait(until: .now.advanced(by: .seconds(3600))) }
        for _ in 0..<100 { await Task.yield() }
        cancelled.cancel()
        await cancelled.value
    }

    @Test func noSignalIsLostBetweenTwoTasks() async {
        let count = 10_000
        let made = Watched(0)
        let consumer = Task {
            var seen = 0
            while seen < count {
                seen = made.value
                if seen < count { await signal.wait() }
            }
        }
        for number in 1...count {
            made.set(number)
            signal.raise()
            if number.isMultiple(of: 100) { await Task.yield() }
        }
        await consumer.value
    }

    @Test func cancellationMayRaceWithASignal() async {
        for _ in 0..<500 {
            let signal = Signal()
            let waiter = Task { await signal.wait() }
            async let cancel: Void = waiter.cancel()
            signal.raise()
            await cancel
            await waiter.value
        }
    }
}
