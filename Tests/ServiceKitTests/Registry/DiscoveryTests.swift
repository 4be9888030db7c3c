import ServiceKitTesting
import Synchronization
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(1)))
struct DiscoveryTests {
    /// A registry whose watches a test controls and counts.
    final class Source: Discoverer {
        let started = Watched(0)
        let running = Watched(0)
        let lists = Watched(0)
        private let emitters = Mutex<[String: DiscoveryUpdates.Emitter]>([:])
        private let ends = Watched(0)

        func instances(of service: String) async throws -> InstanceSet {
            lists.update { $0 += 1 }
            return [instance("listed", of: service)]
        }

        func watch(_ service: String) -> DiscoveryUpdates {
            DiscoveryUpdates { [self] emit in
                // Before anyone hears that it has started, and ends it.
                let end = ends.value
                emitters.withLock { $0[service] = emit }
                running.update { $0 += 1 }
                started.update { $0 += 1 }
                _ = await ends.first { $0 > end }
                running.update { $0 -= 1 }
            }
        }

        func emit(_ snapshot: DiscoverySnapshot, _ service: String = "user") {
            emitters.withLock { $0[service] }?(snapshot)
        }

        /// Ends all watches, although a registry should not do that.
        func endWatches() { ends.update { $0 += 1 } }
    }

    let source = Source()
    let clock = TestClock()
    let discovery: Discovery

    init() {
        discovery = Discovery(source, clock: clock)
    }

    @Test func followersOfAServiceShareOneWatch() async {
        var first = discovery.watch("user").makeAsyncIterator()
        _ = await source.started.first { $0 == 1 }
        source.emit(live(instance("a")))
        #expect(await first.next() == live(instance("a")))

        for _ in 0..<10 {
            var late = discovery.watch("user").makeAsyncIterator()
            #expect(await late.next() == live(instance("a")))
        }
        var last = discovery.watch("user").makeAsyncIterator()
        #expect(await last.next() == live(instance("a")))
        source.emit(live(instance("b")))
        #expect(await first.next() == live(instance("b")))
        #expect(await last.next() == live(instance("b")))
        #expect(source.started.value == 1)
        #expect(source.running.value == 1)
    }

    @Test func servicesAreWatchedApart() async {
        var user = discovery.watch("user").makeAsyncIterator()
        var admin = discovery.watch("user-admin").makeAsyncIterator()
        _ = await source.started.first { $0 == 2 }
        source.emit(live(instance("a")), "user")
        source.emit(live(instance("b")), "user-admin")
        #expect(await user.next() == live(instance("a")))
        #expect(await admin.next() == live(instance("b")))
    }

    @Test func lastFollowerEndsTheWatch() async {
        do {
            var first = discovery.watch("user").makeAsyncIterator()
            _ = await source.started.first { $0 == 1 }
            source.emit(live(instance("a")))
            _ = await first.next()
            do {
                var second = discovery.watch("user").makeAsyncIterator()
                _ = await second.next()
            }
            source.emit(live(instance("b")))
            #expect(await first.next() == live(instance("b")))
        }
        #expect(await source.running.first { $0 == 0 } == 0)

        var again = discovery.watch("user").makeAsyncIterator()
        _ = await source.started.first { $0 == 2 }
        source.emit(live(instance("c")))
        #expect(await again.next() == live(instance("c")))
    }

    @Test func listUsesALiveWatch() async throws {
        #expect(try await discovery.instances(of: "user") == [instance("listed")])
        var updates = discovery.watch("user").makeAsyncIterator()
        _ = await source.started.first { $0 == 1 }
        #expect(try await discovery.instances(of: "user") == [instance("listed")])
        source.emit(live(instance("a")))
        _ = await updates.next()
        #expect(try await discovery.instances(of: "user") == [instance("a")])
        #expect(source.lists.value == 2)

        source.emit(DiscoverySnapshot(instances: [instance("a")], state: .stale(since: .now, cause: "away")))
        #expect(await updates.next()?.state.isLive == false)
        #expect(try await discovery.instances(of: "user") == [instance("listed")])
    }

    @Test func endedWatchIsStartedAgain() async {
        var updates = discovery.watch("user").makeAsyncIterator()
        _ = await source.started.first { $0 == 1 }
        source.emit(live(instance("a")))
        #expect(await updates.next() == live(instance("a")))

        for time in 2...4 {
            source.endWatches()
            await clock.waitForSleepers()
            clock.advance(by: .seconds(5))
            _ = await source.started.first { $0 == time }
        }
        let stale = await updates.next()
        #expect(stale?.instances == [instance("a")])
        guard case .stale(_, let cause) = stale?.state else { return #expect(Bool(false), "\(stale as Any)") }
        #expect(cause == "the registry's watch of user ended")
        source.emit(live(instance("b")))
        #expect(await updates.next() == live(instance("b")))
    }

    @Test func concurrentFollowersLeaveNoWatch() async throws {
        let registry = MemoryRegistry()
        let discovery = Discovery(registry)
        let registration = try await registry.registered(instance("a", of: "service-0"))
        await withTaskGroup { group in
            for number in 0..<500 {
                group.addTask {
                    let reader = Task {
                        for await _ in discovery.watch("service-\(number % 3)") {}
                    }
                    for _ in 0..<number % 7 { await Task.yield() }
                    reader.cancel()
                    await reader.value
                }
            }
        }
        do {
            var updates = discovery.watch("service-0").makeAsyncIterator()
            #expect(await updates.next() == live(instance("a", of: "service-0")))
            await registration.release()
            #expect(await updates.next() == live())
        }
        #expect(await discovery.watchCount.first { $0 == 0 } == 0)
        #expect(await registry.watches.first { $0 == 0 } == 0)
    }
}
