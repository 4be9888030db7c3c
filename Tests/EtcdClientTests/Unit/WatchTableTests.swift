import Foundation
import SwiftProtobuf
import Testing

@testable import EtcdClient

/// The requests to etcd, and the effects of its answers.
@Suite(.timeLimit(.minutes(1)))
struct WatchTableTests {
    private var bench = WatchBench()

    // MARK: - Creating

    @Test mutating func watchesAreCreatedWhenTheStreamConnects() throws {
        _ = bench.add(.key("a"))
        _ = bench.add(.key("b"))
        #expect(bench.requests().isEmpty)
        bench.table.connected()
        let first = bench.creates()
        #expect(first.map(\.key) == [Data("a".utf8)])
        bench.create(try #require(first.first?.watchID), at: 1)
        #expect(bench.creates().map(\.key) == [Data("b".utf8)])
        _ = bench.add(.key("c"))
        #expect(bench.creates().map(\.key) == [Data("c".utf8)], "at once while there is a stream")
    }

    @Test mutating func createRequestCarriesAllOptions() async throws {
        try await bench.connect()
        _ = bench.add(.prefix("p/")) {
            $0.from = 7
            $0.returnsPrevious = true
            $0.notifiesOfProgress = true
            $0.includesPuts = false
        }
        _ = bench.add { $0.includesDeletes = false }
        let creates = bench.creates()
        try #require(creates.count == 2)
        #expect(creates[0].key == Data("p/".utf8))
        #expect(creates[0].rangeEnd == Data("p0".utf8))
        #expect(creates[0].startRevision == 7)
        #expect(creates[0].prevKv)
        #expect(creates[0].progressNotify)
        #expect(creates[0].filters == [.noput])
        #expect(creates[0].fragment, "large revisions come in pieces")
        #expect(creates[1].key == Data("k".utf8))
        #expect(creates[1].rangeEnd.isEmpty)
        #expect(creates[1].startRevision == 0)
        #expect(!creates[1].prevKv)
        #expect(!creates[1].progressNotify)
        #expect(creates[1].filters == [.nodelete])
        #expect(Set(creates.map(\.watchID)).count == 2)
    }

    @Test mutating func aWatchFromNowOnBeginsAfterTheRevisionOfItsCreation() async throws {
        bench.table.connected()
        let (_, buffer) = bench.add()
        let effects = bench.create(try #require(bench.creates().first?.watchID), at: 10)
        #expect(effects.restart == nil)
        #expect(effects.woken.count == 1)
        #expect(try await buffer.told() == [.connected(11)])
    }

    @Test mutating func aWatchFromARevisionBeginsThere() async throws {
        bench.table.connected()
        let (_, buffer) = bench.add { $0.from = 5 }
        bench.create(try #require(bench.creates().first?.watchID), at: 10)
        #expect(try await buffer.told() == [.connected(5)])
    }

    @Test mutating func oldestUnansweredRequestIsKnown() async throws {
        let before = ContinuousClock.now
        #expect(bench.table.oldestUnanswered == nil)
        try await bench.connect()
        #expect(bench.table.oldestUnanswered == nil)
        _ = bench.add()
        _ = bench.add()
        let numbers = bench.creates().map(\.watchID)
        let first = try #require(bench.table.oldestUnanswered)
        #expect((before...(.now)).contains(first))
        bench.create(numbers[0], at: 1)
        #expect(try #require(bench.table.oldestUnanswered) >= first)
        bench.create(numbers[1], at: 1)
        #expect(bench.table.oldestUnanswered == nil)
    }

    // MARK: - Events

    @Test mutating func eventsReachTheReader() async throws {
        bench.table.connected()
        let (_, buffer, number) = try await bench.addCreated()
        let effects = bench.receive {
            $0.watchID = number
            $0.events = [
                .with {
                    $0.kv = .with {
                        $0.key = Data("k".utf8)
                        $0.value = Data("new".utf8)
                        $0.createRevision = 3
                        $0.modRevision = 11
                        $0.version = 2
                        $0.lease = 77
                    }
                    $0.prevKv = .with {
                        $0.key = Data("k".utf8)
                        $0.value = Data("old".utf8)
                    }
                },
                .with {
                    $0.type = .delete
                    $0.kv.key = Data("k".utf8)
                    $0.kv.modRevision = 12
                },
            ]
        }
        #expect(effects.woken.count == 1)
        let new = KeyValue(key: "k", value: "new", createRevision: 3, modRevision: 11, version: 2, lease: 77)
        #expect(
            try await buffer.told() == [
                .events([
                    WatchEvent(kind: .put, entry: new, previous: KeyValue(key: "k", value: "old")),
                    WatchEvent(kind: .delete, entry: KeyValue(key: "k", value: "", modRevision: 12)),
                ])
            ]
        )
    }

    @Test mutating func namespaceIsRemovedFromEvents() async throws {
        bench = WatchBench(namespace: "n/")
        bench.table.connected()
        let (_, buffer, number) = try await bench.addCreated(.key("n/k"))
        bench.receive {
            $0.watchID = number
            $0.events = [
                .with {
                    $0.kv.key = Data("n/k".utf8)
                    $0.kv.modRevision = 11
                }
            ]
        }
        #expect(try await buffer.told() == [.puts(11)])
    }

    @Test mutating func eventsReachOnlyTheirOwnWatch() async throws {
        bench.table.connected()
        let (_, first, one) = try await bench.addCreated()
        let (_, second, two) = try await bench.addCreated()
        bench.events(two, 12)
        bench.events(one, 11)
        bench.events(99, 13)
        #expect(try await first.told() == [.puts(11)])
        #expect(try await second.told() == [.puts(12)])
    }

    // MARK: - Fragments

    @Test mutating func fragmentedRevisionIsDeliveredWhenComplete() async throws {
        bench.table.connected()
        let (_, buffer, number) = try await bench.addCreated()
        bench.events(number, 11, 11, fragment: true)
        bench.events(number, 11, fragment: true)
        #expect(try await buffer.told() == [])
        bench.events(number, 11)
        #expect(try await buffer.told() == [.puts(11, 11, 11, 11)])
    }

    @Test mutating func fragmentDeliversTheRevisionsBeforeItsLast() async throws {
        bench.table.connected()
        let (_, buffer, number) = try await bench.addCreated()
        bench.events(number, 11, 12, 12, 13, fragment: true)
        #expect(try await buffer.told() == [.puts(11, 12, 12)])
        bench.events(number, 13, 14, fragment: true)
        #expect(try await buffer.told() == [.puts(13, 13)])
        bench.events(number, 14, 15)
        #expect(try await buffer.told() == [.puts(14, 14, 15)])
    }

    @Test mutating func partialRevisionIsDroppedWithTheStream() async throws {
        bench.table.connected()
        let (_, buffer, number) = try await bench.addCreated()
        bench.events(number, 11, 12, fragment: true)
        _ = bench.table.disconnected(EtcdError(code: .unavailable, message: "lost"))
        bench.table.connected()
        let create = try #require(bench.creates().first)
        #expect(create.startRevision == 12)
        bench.create(create.watchID, at: 12)
        bench.events(create.watchID, 12, 12)
        let told = try await buffer.told().filter { if case .events = $0 { true } else { false } }
        #expect(told == [.puts(11), .puts(12, 12)])
    }

    // MARK: - Progress

    @Test mutating func progressReachesReadersThatAskedForIt() async throws {
        bench.table.connected()
        let (_, wanting, one) = try await bench.addCreated { $0.notifiesOfProgress = true }
        let (_, other, two) = try await bench.addCreated()
        #expect(bench.progress(one, 20).woken.count == 1)
        #expect(bench.progress(two, 20).woken.isEmpty)
        #expect(try await wanting.told() == [.progress(20)])
        #expect(try await other.told() == [])
    }

    @Test mutating func progressAdvancesTheStartRevisionOfTheNextStream() async throws {
        bench.table.connected()
        let (_, _, number) = try await bench.addCreated { $0.notifiesOfProgress = true }
        bench.progress(number, 20)
        bench.progress(number, 15)
        _ = bench.table.disconnected(EtcdError(code: .unavailable, message: "lost"))
        bench.table.connected()
        #expect(bench.creates().map(\.startRevision) == [21])
    }

    // MARK: - Cancelling

    @Test mutating func droppedWatchIsCancelled() async throws {
        bench.table.connected()
        let (active, _, number) = try await bench.addCreated()
        bench.table.remove(active)
        #expect(bench.cancels() == [number])
        #expect(bench.table.isEmpty)
        #expect(bench.events(number, 11).woken.isEmpty, "etcd may speak of it for a while")
        bench.receive {
            $0.watchID = number
            $0.canceled = true
        }
        bench.table.remove(active)
        #expect(bench.requests().isEmpty)
    }

    @Test mutating func watchDroppedDuringCreationIsCancelledAfterIt() async throws {
        try await bench.connect()
        let (id, _) = bench.add()
        let (_, second) = bench.add()
        let numbers = bench.creates().map(\.watchID)
        bench.table.remove(id)
        #expect(bench.requests().isEmpty, "its number is not known yet")
        #expect(bench.create(numbers[0], at: 1).woken.isEmpty)
        #expect(bench.cancels() == [numbers[0]])
        bench.create(numbers[1], at: 2)
        #expect(try await second.told() == [.connected(3)], "the answers belong to their requests")
    }

    @Test mutating func waitingWatchIsDroppedWithoutARequest() {
        let (id, _) = bench.add()
        bench.table.remove(id)
        bench.table.connected()
        #expect(bench.requests().isEmpty)
    }

    @Test mutating func compactionEndsAWatch() async throws {
        bench.table.connected()
        let (_, buffer, number) = try await bench.addCreated { $0.from = 5 }
        let effects = bench.receive {
            $0.watchID = number
            $0.canceled = true
            $0.compactRevision = 42
            $0.cancelReason = "etcdserver: mvcc: required revision has been compacted"
        }
        #expect(effects.restart == nil)
        let failure = await expectFailure { _ = try await buffer.next() }
        #expect(failure?.code == .compacted)
        #expect(failure?.revision == 42)
        #expect(failure?.message.contains("revision 5") == true)
        #expect(bench.table.isEmpty)
    }

    @Test mutating func watchCancelledWithoutAReasonIsRecreated() async throws {
        bench.table.connected()
        let (_, buffer, number) = try await bench.addCreated()
        let effects = bench.receive {
            $0.watchID = number
            $0.canceled = true
        }
        let restart = try #require(effects.restart)
        #expect(restart.code == .unavailable)
        _ = bench.table.disconnected(restart)
        #expect(try await buffer.told() == [.interrupted(restart)])
        bench.table.connected()
        #expect(bench.creates().map(\.startRevision) == [11])
    }

    // MARK: - Refusals

    private static let denied = "rpc error: code = PermissionDenied desc = etcdserver: permission denied"

    /// etcd 3.4 says the same when the stream's token has expired. One new token may help.
    @Test mutating func deniedWatchIsRetriedOnceWithANewToken() async throws {
        bench.table.connected()
        let (_, buffer) = bench.add()
        _ = bench.creates()
        let restart = try #require(bench.refuse(Self.denied).restart)
        #expect(restart.code == .unauthenticated, "so that the token is renewed")
        _ = bench.table.disconnected(restart)
        bench.table.connected()
        _ = bench.creates()
        let effects = bench.refuse(Self.denied)
        #expect(effects.restart == nil)
        #expect(try await buffer.told() == [.interrupted(restart)])
        await expectFailure(.permissionDenied) { _ = try await buffer.next() }
        #expect(bench.table.isEmpty)
    }

    /// A token may expire before the watch is created, again and again.
    @Test mutating func watchWithAnExpiredTokenIsAlwaysRetried() throws {
        bench.table.connected()
        _ = bench.add()
        for _ in 0..<3 {
            _ = bench.creates()
            let restart = try #require(bench.refuse("etcdserver: invalid auth token").restart)
            #expect(restart.code == .unauthenticated, "so that the token is renewed")
            _ = bench.table.disconnected(restart)
            bench.table.connected()
        }
        #expect(bench.table.count == 1)
    }

    @Test mutating func createdWatchResetsTheCountOfRefusals() async throws {
        bench.table.connected()
        _ = bench.add()
        for _ in 0..<3 {
            _ = bench.creates()
            let restart = try #require(bench.refuse(Self.denied).restart)
            _ = bench.table.disconnected(restart)
            bench.table.connected()
            bench.create(try #require(bench.creates().first?.watchID), at: 1)
            _ = bench.table.disconnected(restart)
            bench.table.connected()
        }
    }

    @Test mutating func refusalBelongsToTheOldestRequest() async throws {
        try await bench.connect()
        let (_, first) = bench.add(.key("a"))
        let (_, second) = bench.add(.key("b"))
        let (_, third) = bench.add(.key("c"))
        let numbers = bench.creates().map(\.watchID)
        bench.create(numbers[0], at: 1)
        #expect(bench.refuse("mvcc: watcher range is empty").restart == nil)
        bench.create(numbers[2], at: 3)
        #expect(try await first.told() == [.connected(2)])
        #expect(try await third.told() == [.connected(4)])
        await expectFailure(.invalidArgument) { _ = try await second.next() }
        #expect(bench.table.count == 2)
    }

    // MARK: - The end

    @Test mutating func closeRemovesAllWatches() {
        bench.table.connected()
        for _ in 0..<3 { _ = bench.add() }
        #expect(bench.table.close().count == 3)
        #expect(bench.table.isEmpty)
        #expect(bench.requests().isEmpty)
        let late = WatchBuffer(maxEvents: 1) {}
        let isTaken = bench.table.add(bench.table.nextID(), .key("k"), WatchOptions(), late)
        #expect(!isTaken)
        #expect(bench.table.isEmpty)
    }
}
