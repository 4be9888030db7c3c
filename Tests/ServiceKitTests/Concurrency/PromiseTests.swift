import ServiceKitConcurrency
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(1)))
struct PromiseTests {
    @Test func firstResultWins() async throws {
        let promise = Promise<Int>()
        promise.resolve(.success(1))
        promise.resolve(.success(2))
        promise.resolve(.failure(Failure("late")))
        #expect(try await promise.value() == 1)
        #expect(try await promise.value() == 1)
    }

    @Test func everyWaiterGetsTheResult() async throws {
        let promise = Promise<Int>()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<10 { group.addTask { try await promise.value() } }
            await Task.yield()
            promise.resolve(.success(3))
            var values: [Int] = []
            for try await value in group { values.append(value) }
            #expect(values == Array(repeating: 3, count: 10))
        }
    }

    @Test func failureIsThrownToWaiters() async {
        let promise = Promise<Int>()
        let waiting = Task { try await promise.value() }
        promise.resolve(.failure(Failure("no")))
        await #expect(throws: Failure("no")) { try await waiting.value }
    }

    @Test func cancelledWaitLeavesThePromiseUsable() async throws {
        let promise = Promise<Int>()
        let cancelled = Task { try await promise.value() }
        let waiting = Task { try await promise.value() }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        promise.resolve(.success(4))
        #expect(try await waiting.value == 4)
    }

    @Test func cancelledTaskGetsAnExistingResult() async throws {
        let promise = Promise<Int>()
        promise.resolve(.success(5))
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await promise.value()
        }
        #expect(try await task.value == 5)
    }

    @Test func concurrentCancellationAndResultResumeOnce() async {
        for _ in 0..<500 {
            let promise = Promise<Int>()
            let task = Task { try await promise.value() }
            async let cancel: Void = task.cancel()
            async let resolve: Void = promise.resolve(.success(6))
            _ = await (cancel, resolve)
            // Either of the two, but always one.
            switch await task.result {
            case .success(let value): #expect(value == 6)
            case .failure(let error): #expect(error is CancellationError)
            }
        }
    }
}
