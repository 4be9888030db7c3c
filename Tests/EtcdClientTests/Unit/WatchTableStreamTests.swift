import Foundation
import SwiftProtobuf
import Testing

@testable import EtcdClient

/// Watches when the stream is lost, the reader is slow, or the store is another one.
@Suite(.timeLimit(.minutes(1)))
struct WatchTableStreamTests {
    private static let lost = EtcdError(code: .unavailable, message: "lost")
    private var bench = WatchBench()

    // MARK: - Streams

    @Test mutating func newStreamResumesAtTheNextRevision() async throws {
        bench.table.connected()
        let (_, buffer, number) = try await bench.addCreated(at: 10)
        bench.events(number, 11, 12)
        #expect(bench.table.disconnected(Self.lost).woken.count == 1)
        #expect(bench.requests().isEmpty)
        #expect(try await buffer.told() == [.puts(11, 12), .interrupted(Self.lost)])
        bench.table.connected()
        let create = try #require(bench.creates().first)
        #expect(create.startRevision == 13)
        #expect(create.watchID != number)
        bench.create(create.watchID, at: 20)
        #expect(try await buffer.told() == [.connected(13)])
    }

    @Test mutating func eventsDeliveredByTheOldStreamAreNotRepeated() async throws {
        bench.table.connected()
        let (_, buffer, number) = try await bench.addCreated(at: 10)
        bench.events(number, 11, 12)
        _ = bench.table.disconnected(Self.lost)
        bench.table.connected()
        let again = try #require(bench.creates().first?.watchID)
        bench.create(again, at: 12)
        bench.events(number, 13)
        bench.events(again, 12, 13)
        bench.events(again, 13, 14)
        let told = try await buffer.told().filter { if case .events = $0 { true } else { false } }
        #expect(told == [.puts(11, 12), .puts(13), .puts(14)])
    }

    @Test mutating func uncreatedWatchStartsWithTheNewStream() async throws {
        bench.table.connected()
        let (_, buffer) = bench.add()
        _ = bench.creates()
        _ = bench.table.disconnected(Self.lost)
        bench.table.connected()
        let create = try #require(bench.creates().first)
        #expect(create.startRevision == 0)
        bench.create(create.watchID, at: 30)
        #expect(try await buffer.told() == [.interrupted(Self.lost), .connected(31)])
    }

    @Test mutating func interruptionIsReportedOnce() async throws {
        let (_, buffer) = bench.add()
        for _ in 0..<5 {
            bench.table.connected()
            _ = bench.table.disconnected(Self.lost)
        }
        #expect(try await buffer.told() == [.interrupted(Self.lost)])
        bench.table.connected()
        bench.create(try #require(bench.creates().first?.watchID), at: 1)
        _ = bench.table.disconnected(Self.lost)
        #expect(try await buffer.told() == [.connected(2), .interrupted(Self.lost)])
    }

    @Test mutating func unsentRequestsAreDroppedWithTheStream() {
        bench.table.connected()
        let (id, _) = bench.add()
        bench.table.remove(id)
        _ = bench.table.disconnected(Self.lost)
        #expect(bench.requests().isEmpty)
        #expect(bench.table.oldestUnanswered == nil)
    }

    @Test mutating func watchNumbersAreNeverReused() async throws {
        var numbers: [Int64] = []
        for _ in 0..<3 { _ = bench.add() }
        for _ in 0..<3 {
            bench.table.connected()
            while let number = bench.creates().first?.watchID {
                numbers.append(number)
                bench.create(number, at: 1)
                numbers += bench.creates().map(\.watchID)
            }
            _ = bench.table.disconnected(Self.lost)
        }
        #expect(Set(numbers).count == 9)
        #expect(!numbers.contains(0), "which would have etcd choose")
    }

    /// The stream ended because there was no watch. Now there is one.
    @Test mutating func watchAddedWhileTheStreamEndsIsNotInterrupted() async throws {
        bench.table.connected()
        let (_, buffer) = bench.add()
        #expect(bench.table.disconnected(nil).woken.isEmpty)
        bench.table.connected()
        bench.create(try #require(bench.creates().last?.watchID), at: 1)
        #expect(try await buffer.told() == [.connected(2)])
    }

    // MARK: - Slow readers

    /// A watch with a bound of two events, whose reader has taken none of three.
    private mutating func suspended() async throws -> (id: Int, buffer: WatchBuffer, number: Int64) {
        bench = WatchBench(maxEvents: 2)
        bench.table.connected()
        let (id, buffer, number) = try await bench.addCreated(at: 10)
        bench.events(number, 11)
        bench.events(number, 12)
        #expect(bench.events(number, 13).woken.isEmpty)
        return (id, buffer, number)
    }

    @Test mutating func slowReaderSuspendsItsWatch() async throws {
        let (id, buffer, number) = try await suspended()
        #expect(bench.cancels() == [number])
        bench.events(number, 14)
        #expect(try await buffer.told() == [.puts(11), .puts(12)])
        #expect(bench.requests().isEmpty)
        bench.table.resume(id)
        let create = try #require(bench.creates().first)
        #expect(create.startRevision == 13, "at the first that the reader has not been told of")
        #expect(bench.create(create.watchID, at: 20).woken.isEmpty)
        bench.events(create.watchID, 13, 14)
        #expect(try await buffer.told() == [.puts(13, 14)], "it was connected all the time")
    }

    @Test mutating func suspendedWatchIsNotCreatedOnANewStream() async throws {
        let (id, _, _) = try await suspended()
        _ = bench.cancels()
        #expect(bench.table.disconnected(Self.lost).woken.isEmpty)
        bench.table.connected()
        #expect(bench.requests().isEmpty)
        bench.table.resume(id)
        #expect(bench.creates().map(\.startRevision) == [13])
    }

    @Test mutating func watchResumedWithoutAStreamIsCreatedOnTheNext() async throws {
        let (id, _, _) = try await suspended()
        _ = bench.table.disconnected(Self.lost)
        bench.table.resume(id)
        #expect(bench.requests().isEmpty)
        bench.table.connected()
        #expect(bench.creates().map(\.startRevision) == [13])
    }

    @Test mutating func resumeAffectsSuspendedWatchesOnly() async throws {
        bench.table.connected()
        let (id, _, _) = try await bench.addCreated()
        bench.table.resume(id)
        #expect(bench.requests().isEmpty)
        bench.table.remove(id)
        _ = bench.cancels()
        bench.table.resume(id)
        #expect(bench.requests().isEmpty)
    }

    @Test mutating func suspendedWatchIsDroppedWithoutARequest() async throws {
        let (id, _, _) = try await suspended()
        _ = bench.cancels()
        bench.table.remove(id)
        #expect(bench.requests().isEmpty)
        #expect(bench.table.isEmpty)
    }

    @Test mutating func partialRevisionIsDroppedWithTheSuspension() async throws {
        bench = WatchBench(maxEvents: 2)
        bench.table.connected()
        let (id, buffer, number) = try await bench.addCreated(at: 10)
        bench.events(number, 11, 12)
        bench.events(number, 13, fragment: true)
        bench.events(number, 13, 14, fragment: true)
        #expect(bench.cancels() == [number])
        #expect(try await buffer.told() == [.puts(11, 12)])
        bench.table.resume(id)
        let create = try #require(bench.creates().first)
        #expect(create.startRevision == 13)
        bench.create(create.watchID, at: 20)
        bench.events(create.watchID, 13, 13, 14)
        #expect(try await buffer.told() == [.puts(13, 13, 14)])
    }

    // MARK: - Another store

    @Test mutating func storeIsVerifiedByKeysOfWatchesWithARevision() {
        #expect(bench.table.knownKeys.isEmpty)
        _ = bench.add(.key("a"))
        #expect(bench.table.knownKeys.isEmpty, "a watch from now on knows of nothing")
        _ = bench.add(.prefix("b")) { $0.from = 5 }
        _ = bench.add(.key("c")) { $0.from = 8 }
        #expect(bench.table.knownKeys == ["b".etcdBytes, "c".etcdBytes])
    }

    @Test mutating func watchesAreLostWhenTheStoreRevisionGoesBack() async throws {
        bench.table.connected()
        let (_, ahead, number) = try await bench.addCreated(at: 10)
        let (_, behind) = bench.add { $0.from = 3 }
        let (_, new) = bench.add()
        _ = bench.creates()
        bench.events(number, 11)
        _ = bench.table.disconnected(Self.lost)
        let lost = bench.table.verify(cluster: 1, revision: 10)
        #expect(lost.map(ObjectIdentifier.init) == [ObjectIdentifier(ahead)])
        #expect(bench.table.count == 2)
        _ = (behind, new)
    }

    @Test mutating func watchesSurviveWhenTheStoreRevisionAdvances() async throws {
        bench.table.connected()
        let (_, _, number) = try await bench.addCreated(at: 10)
        bench.events(number, 11)
        #expect(bench.table.verify(cluster: 1, revision: 11).isEmpty)
        #expect(bench.table.verify(cluster: 1, revision: 500).isEmpty)
        #expect(bench.table.count == 1)
    }

    @Test mutating func watchesAreLostWhenTheClusterIDChanges() async throws {
        bench.table.connected()
        let (_, known, _) = try await bench.addCreated(at: 10)
        _ = bench.table.disconnected(Self.lost)
        let (_, new) = bench.add()
        let lost = bench.table.verify(cluster: 2, revision: 5000)
        #expect(lost.map(ObjectIdentifier.init) == [ObjectIdentifier(known)])
        #expect(bench.table.count == 1, "a watch that has not begun yet may begin there")
        #expect(bench.table.verify(cluster: 2, revision: 5000).isEmpty)
        _ = new
    }
}
