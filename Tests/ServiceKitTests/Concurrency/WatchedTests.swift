import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(1)))
struct WatchedTests {
    @Test func beginsWithThePresentValue() async {
        let watched = Watched(1)
        var values = watched.values.makeAsyncIterator()
        #expect(await values.next() == 1)
        watched.set(2)
        #expect(await values.next() == 2)
    }

    @Test func aSlowReaderSkipsToTheLatest() async {
        let watched = Watched(0)
        var values = watched.values.makeAsyncIterator()
        #expect(await values.next() == 0)
        for value in 1...100 { watched.set(value) }
        #expect(await values.next() == 100)
    }

    @Test func finishingEndsAfterTheLatestValue() async {
        let watched = Watched(1)
        watched.set(2)
        watched.finish()
        var seen: [Int] = []
        for await value in watched.values { seen.append(value) }
        #expect(seen == [2])
        #expect(await watched.first { $0 == 3 } == nil)
    }

    @Test func settingTheSameIsNoChange() async {
        let watched = Watched(1)
        #expect(!watched.setIfChanged(1))
        var values = watched.values.makeAsyncIterator()
        #expect(await values.next() == 1)
        #expect(!watched.setIfChanged(1))
        #expect(watched.setIfChanged(2))
        #expect(await values.next() == 2)
    }

    @Test func updatingReturnsAResult() {
        let watched = Watched([1])
        let count = watched.update { values in
            values.append(2)
            return values.count
        }
        #expect(count == 2 && watched.value == [1, 2])
    }

    @Test func cancellationEndsAWait() async {
        let watched = Watched(1)
        let task = Task { await watched.first { $0 == 2 } }
        task.cancel()
        #expect(await task.value == nil)
        await Task { await untilCancelled() }.cancelled()
    }

    @Test func everyFollowerSeesTheEndOfManyChanges() async {
        let watched = Watched(0)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var last = -1
                    for await value in watched.values {
                        // Never back in time.
                        if value <= last { return false }
                        last = value
                    }
                    return last == 1000
                }
            }
            group.addTask {
                for _ in 0..<1000 { watched.update { $0 += 1 } }
                watched.finish()
                return true
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}

extension Task where Success == Void, Failure == Never {
    /// Cancels and waits.
    func cancelled() async {
        cancel()
        await value
    }
}
