import ServiceKit
import Testing

@testable import EtcdClient

@Suite(.timeLimit(.minutes(1)))
struct WatchBufferTests {
    private static let lost = EtcdError(code: .unavailable, message: "lost")
    private let drains = Watched(0)

    private func makeBuffer(maxEvents: Int = 4) -> WatchBuffer {
        WatchBuffer(maxEvents: maxEvents) { [drains] in drains.update { $0 += 1 } }
    }

    private func events(_ revisions: Revision...) -> WatchUpdate {
        .events(revisions.map { .put("k", $0) })
    }

    @Test func updatesKeepTheirOrder() async throws {
        let buffer = makeBuffer()
        let updates: [WatchUpdate] = [.connected(1), events(1), events(2, 3), .interrupted(Self.lost)]
        for update in updates { #expect(buffer.offer(update)) }
        for update in updates { #expect(try await buffer.next() == update) }
    }

    @Test func eventsBeyondTheBoundAreRefused() async throws {
        let buffer = makeBuffer()
        #expect(buffer.offer(events(1, 2)))
        #expect(buffer.offer(events(3, 4)))
        #expect(!buffer.offer(events(5)))
        #expect(try await buffer.told() == [events(1, 2), events(3, 4)], "refused events are not there")
    }

    /// A transaction can be larger than the bound; a full buffer would never take it.
    @Test func emptyBufferTakesAnyNumberOfEvents() async throws {
        let buffer = makeBuffer()
        #expect(buffer.offer(events(1, 2, 3, 4, 5, 6)))
        #expect(!buffer.offer(events(7)))
    }

    @Test func bufferReportsDrainedWhenHalfIsRead() async throws {
        let buffer = makeBuffer()
        for revision in 1...4 { #expect(buffer.offer(events(Revision(revision)))) }
        #expect(!buffer.offer(events(5)))
        _ = try await buffer.next()
        #expect(drains.value == 0)
        _ = try await buffer.next()
        #expect(drains.value == 1)
        _ = try await buffer.told()
        #expect(drains.value == 1, "once is enough")
    }

    @Test func bufferThatRefusedNothingReportsNoDrain() async throws {
        let buffer = makeBuffer()
        for revision in 1...20 {
            #expect(buffer.offer(events(Revision(revision))))
            _ = try await buffer.next()
        }
        #expect(drains.value == 0)
    }

    @Test func boundOfOneEventDrains() async throws {
        let buffer = makeBuffer(maxEvents: 1)
        #expect(buffer.offer(events(1)))
        #expect(!buffer.offer(events(2)))
        _ = try await buffer.next()
        #expect(drains.value == 1)
        #expect(buffer.offer(events(2)))
    }

    @Test func onlyTheLatestProgressIsKept() async throws {
        let buffer = makeBuffer()
        for revision in 1...1000 { #expect(buffer.offer(.progress(Revision(revision)))) }
        #expect(buffer.offer(events(1001)))
        #expect(buffer.offer(.progress(1002)))
        #expect(try await buffer.told() == [.progress(1000), events(1001), .progress(1002)])
    }

    @Test func unreadInterruptionsDoNotAccumulate() async throws {
        let buffer = makeBuffer()
        #expect(buffer.offer(.connected(1)))
        for _ in 0..<1000 {
            #expect(buffer.offer(.interrupted(Self.lost)))
            #expect(buffer.offer(.connected(1)))
        }
        #expect(try await buffer.told() == [.connected(1)])
    }

    @Test func lastingInterruptionReachesTheReader() async throws {
        let buffer = makeBuffer()
        #expect(buffer.offer(events(1)))
        #expect(buffer.offer(.interrupted(Self.lost)))
        #expect(try await buffer.told() == [events(1), .interrupted(Self.lost)])
        // The reader knows of the interruption, so it has to learn of its end.
        #expect(buffer.offer(.connected(2)))
        #expect(try await buffer.told() == [.connected(2)])
    }

    // MARK: - Waiting

    @Test func aReaderWaitsUntilItIsWoken() async throws {
        let buffer = makeBuffer()
        let isRead = Watched(false)
        async let update = {
            let update = try await buffer.next()
            isRead.set(true)
            return update
        }()
        for _ in 0..<100 {
            await Task.yield()
            buffer.wake()
        }
        #expect(!isRead.value, "there is nothing")
        #expect(buffer.offer(events(1)))
        buffer.wake()
        #expect(try await update == events(1))
    }

    @Test func noUpdateIsLostUnderConcurrentOffersAndWakes() async throws {
        let buffer = makeBuffer(maxEvents: 1_000_000)
        let count = 20_000
        async let reader = {
            var revisions: [Revision] = []
            while revisions.count < count, case .events(let events)? = try await buffer.next() {
                revisions += events.map(\.entry.modRevision)
            }
            return revisions
        }()
        for revision in 1...count {
            #expect(buffer.offer(events(Revision(revision))))
            buffer.wake()
            if revision.isMultiple(of: 64) { await Task.yield() }
        }
        #expect(try await reader == (1...count).map(Revision.init))
    }

    @Test func endComesAfterBufferedUpdates() async throws {
        let buffer = makeBuffer()
        #expect(buffer.offer(events(1)))
        buffer.finish(Self.lost)
        buffer.finish(EtcdError(code: .closed, message: "later"))
        #expect(try await buffer.next() == events(1))
        for _ in 0..<3 {
            #expect(await expectFailure { _ = try await buffer.next() } == Self.lost)
        }
    }

    @Test func theEndWakesAReader() async throws {
        let buffer = makeBuffer()
        let reader = Task { try await buffer.next() }
        for _ in 0..<100 { await Task.yield() }
        buffer.finish(Self.lost)
        #expect(await expectFailure { _ = try await reader.value } == Self.lost)
    }

    @Test func cancelledReaderGetsNoUpdate() async throws {
        let buffer = makeBuffer()
        let waiting = Task { try await buffer.next() }
        for _ in 0..<100 { await Task.yield() }
        waiting.cancel()
        #expect(try await waiting.value == nil)

        #expect(buffer.offer(events(1)))
        let cancelled = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await buffer.next()
        }
        #expect(try await cancelled.value == nil)
        #expect(try await buffer.next() == events(1), "nothing is lost")
    }

    @Test func cancellationMayRaceWithAWake() async throws {
        for _ in 0..<500 {
            let buffer = makeBuffer()
            let reader = Task { try await buffer.next() }
            async let cancel: Void = reader.cancel()
            _ = buffer.offer(events(1))
            buffer.wake()
            await cancel
            let update = try await reader.value
            if update == nil { #expect(try await buffer.next() == events(1)) }
        }
    }
}
