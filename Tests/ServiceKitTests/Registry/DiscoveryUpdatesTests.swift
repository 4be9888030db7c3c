import ServiceKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DiscoveryUpdatesTests {
    /// A sequence that emits once, and records the end of its watch.
    struct Source {
        let running = Watched(0)

        var updates: DiscoveryUpdates {
            DiscoveryUpdates { [running] emit in
                running.update { $0 += 1 }
                emit(live(instance("a")))
                await untilCancelled()
                running.update { $0 -= 1 }
            }
        }
    }

    @Test func busyReaderSkipsToTheLatest() async {
        let gate = Watched(false)
        let updates = DiscoveryUpdates { emit in
            for version in 1...1000 { emit(live(instance("a", version: "\(version)"))) }
            gate.set(true)
            await untilCancelled()
        }
        var iterator = updates.makeAsyncIterator()
        _ = await gate.first { $0 }
        #expect(await iterator.next() == live(instance("a", version: "1000")))
    }

    @Test func everyIteratorBeginsAWatch() async {
        let source = Source()
        var first = source.updates.makeAsyncIterator()
        var second = source.updates.makeAsyncIterator()
        #expect(await first.next() == live(instance("a")))
        #expect(await second.next() == live(instance("a")))
        #expect(source.running.value == 2)
    }

    @Test func droppingTheIteratorEndsTheWatch() async {
        let source = Source()
        do {
            var iterator = source.updates.makeAsyncIterator()
            _ = await iterator.next()
            #expect(source.running.value == 1)
        }
        #expect(await source.running.first { $0 == 0 } == 0)
    }

    @Test func cancellingTheReaderEndsTheWatch() async {
        let source = Source()
        let seen = Watched(0)
        let reader = Task {
            for await _ in source.updates { seen.update { $0 += 1 } }
        }
        _ = await seen.first { $0 == 1 }
        reader.cancel()
        await reader.value
        #expect(await source.running.first { $0 == 0 } == 0)
    }

    @Test func updatesEndWhenTheBackendReturns() async {
        let updates = DiscoveryUpdates { emit in emit(live()) }
        var iterator = updates.makeAsyncIterator()
        #expect(await iterator.next() == live())
        #expect(await iterator.next() == nil)
    }
}
