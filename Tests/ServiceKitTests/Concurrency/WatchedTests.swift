import ServiceKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct WatchedTests {
    @Test func readerGetsThePresentAndLaterValues() async {
        let watched = Watched(1)
        var values = watched.values.makeAsyncIterator()
        #expect(await values.next() == 1)
        watched.set(2)
        #expect(await values.next() == 2)
        watched.update { $0 += 1 }
        watched.update { $0 += 1 }
        // The reader skips values that it did not read in time.
        #expect(await values.next() == 4)
        #expect(watched.value == 4)
    }

    @Test func updateWakesWaitingReaders() async {
        let watched = Watched(0)
        await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<50 { group.addTask { await watched.first { $0 == 100 } } }
            for _ in 0..<100 {
                watched.update { $0 += 1 }
                await Task.yield()
            }
            for await value in group { #expect(value == 100) }
        }
    }

    @Test func throwingUpdatePublishesItsChanges() async {
        let watched = Watched(1)
        var values = watched.values.makeAsyncIterator()
        _ = await values.next()
        #expect(throws: CancellationError.self) {
            try watched.update { value in
                value = 2
                throw CancellationError()
            }
        }
        #expect(await values.next() == 2)
    }

    @Test func equalValueIsNotPublished() async {
        let watched = Watched(1)
        var values = watched.values.makeAsyncIterator()
        _ = await values.next()
        #expect(!watched.setIfChanged(1))
        #expect(watched.setIfChanged(2))
        #expect(await values.next() == 2)
    }

    @Test func finishedSequenceEndsAfterItsLatestValue() async {
        let watched = Watched(1)
        var values = watched.values.makeAsyncIterator()
        _ = await values.next()
        async let waiting = watched.first { $0 == 5 }
        watched.set(2)
        watched.finish()
        #expect(await values.next() == 2)
        #expect(await values.next() == nil)
        #expect(await waiting == nil)
        #expect(await watched.first { $0 == 2 } == 2)
    }

    @Test func cancelledReaderEnds() async {
        let watched = Watched(0)
        let started = Watched(0)
        let tasks = (0..<20).map { _ in
            Task {
                var count = 0
                for await _ in watched.values {
                    count += 1
                    started.update { $0 += 1 }
                }
                return count
            }
        }
        _ = await started.first { $0 == 20 }
        for task in tasks { task.cancel() }
        for task in tasks { #expect(await task.value == 1) }
    }

    @Test func cancelledTaskDoesNotWait() async {
        let watched = Watched(0)
        let task = Task {
            await untilCancelled()
            return await watched.first { _ in true }
        }
        task.cancel()
        #expect(await task.value == nil)
    }
}
