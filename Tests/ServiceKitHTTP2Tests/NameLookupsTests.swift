import NIOCore
import Testing

@testable import ServiceKitHTTP2

/// The names in lookup, and the waiting ones.
struct NameLookupsTests {
    private func lookups(maxThreads: Int = 4, maxQueued: Int = 100) -> NameLookups<String> {
        NameLookups(maxThreads: maxThreads, maxQueued: maxQueued, slowAfter: .seconds(1))
    }

    private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    /// Looks names up; each lookup takes this long.
    private func learn(_ names: [String], _ lookups: inout NameLookups<String>, seconds: Int64) {
        for name in names {
            _ = lookups.add("teacher", for: name, at: at(0))
            _ = lookups.finished(name, at: at(seconds))
        }
    }

    /// Whether a name is looked up at once.
    private func begins(_ name: String, _ lookups: inout NameLookups<String>) -> Bool {
        if case .lookUp = lookups.add("asker of \(name)", for: name, at: at(0)) { true } else { false }
    }

    @Test func concurrentLookupsOfANameAreMadeOnce() {
        var lookups = lookups()
        #expect(begins("a", &lookups))
        for _ in 0..<3 { #expect(!begins("a", &lookups)) }
        #expect(lookups.running == 1)
        let (waiters, next) = lookups.finished("a", at: at(0))
        #expect(waiters.count == 4)
        #expect(next.isEmpty)
        #expect(lookups.running == 0)
        #expect(begins("a", &lookups), "the next one asks anew")
    }

    @Test func finishedOrCancelledWaiterIsNotNotified() {
        var lookups = lookups()
        guard case .lookUp(let first) = lookups.add("first", for: "a", at: at(0)) else {
            Issue.record("it was to begin")
            return
        }
        _ = lookups.add("second", for: "a", at: at(0))
        let (removed, again) = (lookups.remove(first, from: "a"), lookups.remove(first, from: "a"))
        #expect(removed?.waiter == "first")
        #expect(removed?.isQueued == false)
        #expect(again?.waiter == nil)
        let waiters = lookups.finished("a", at: at(1)).waiters
        #expect(waiters == ["second"])
    }

    /// Hanging threads are counted. The last quarter of the threads is for names that were fast, half for names that
    /// were not slow.
    @Test func slowNamesLeaveThreadsToOthers() {
        var lookups = lookups(maxThreads: 8)
        let (slow, fast) = ((1...8).map { "slow-\($0)" }, (1...8).map { "fast-\($0)" })
        learn(slow, &lookups, seconds: 5)
        learn(fast, &lookups, seconds: 0)
        #expect(slow.map { begins($0, &lookups) }.count(where: \.self) == 4)
        #expect((1...8).map { begins("new-\($0)", &lookups) }.count(where: \.self) == 2)
        #expect(fast.map { begins($0, &lookups) }.count(where: \.self) == 2)
        #expect(lookups.running == 8)
        #expect(lookups.queued == 16)
        #expect(begins("localhost", &lookups), "no name server is asked for it")
        #expect(lookups.running == 8)
    }

    @Test func fastestWaitingNamesComeFirst() {
        var lookups = lookups(maxThreads: 1)
        learn(["slow"], &lookups, seconds: 5)
        learn(["fast"], &lookups, seconds: 0)
        #expect(begins("first", &lookups))
        for name in ["slow", "new", "fast", "new again"] { #expect(!begins(name, &lookups)) }
        var order: [String] = []
        var running = "first"
        while let next = lookups.finished(running, at: at(0)).next.first {
            order.append(next)
            running = next
        }
        #expect(order == ["fast", "new", "new again", "slow"])
        #expect(lookups.running == 0)
    }

    @Test func abandonedNameIsNotLookedUp() {
        var lookups = lookups(maxThreads: 1)
        #expect(begins("a", &lookups))
        guard case .wait(let id) = lookups.add("asker", for: "b", at: at(0)) else {
            Issue.record("it was to wait")
            return
        }
        let removed = lookups.remove(id, from: "b")
        #expect(removed?.isQueued == true)
        #expect(lookups.queued == 0)
        let next = lookups.finished("a", at: at(0)).next
        #expect(next.isEmpty)
    }

    @Test func queueOfNamesIsBounded() {
        var lookups = lookups(maxThreads: 1, maxQueued: 2)
        for name in ["a", "b", "c"] { _ = begins(name, &lookups) }
        guard case .refused(let error) = lookups.add("asker", for: "d", at: at(0)) else {
            Issue.record("it was to be refused")
            return
        }
        #expect(error == .queueFull(name: "d", limit: 2))
        // Several calls may wait for a name in lookup.
        guard case .wait = lookups.add("asker", for: "c", at: at(0)) else {
            Issue.record("it was to wait")
            return
        }
    }
}
