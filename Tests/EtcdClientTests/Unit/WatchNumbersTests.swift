import Foundation
import SwiftProtobuf
import Testing

@testable import EtcdClient

/// The server assigns the numbers of watches. A gRPC proxy counts from zero on each stream.
@Suite(.timeLimit(.minutes(1)))
struct WatchNumbersTests {
    private var bench = WatchBench(user: "ada")

    /// Answers the next request to create a watch with a number.
    private mutating func create(_ number: Int64, at revision: Revision = 10) throws {
        let requests = bench.creates()
        try #require(requests.count == 1, "one at a time")
        let effects = bench.create(number, at: revision)
        #expect(effects.restart == nil)
    }

    private func puts(_ buffer: WatchBuffer) async throws -> [WatchUpdate] {
        try await buffer.told().filter { if case .events = $0 { true } else { false } }
    }

    // MARK: - Numbers that differ from those asked for

    @Test mutating func answerAssignsTheNumber() async throws {
        bench.table.connected()
        let (id, first) = bench.add(.key("a"))
        let (_, second) = bench.add(.key("b"))
        try create(0)
        try create(1)
        bench.events(1, 12)
        bench.events(0, 11)
        #expect(try await puts(first) == [.puts(11)])
        #expect(try await puts(second) == [.puts(12)])
        bench.table.remove(id)
        #expect(bench.cancels() == [0])
    }

    /// A proxy answers in any order, and its answers do not name their requests.
    @Test mutating func proxyGetsOneRequestAtATime() throws {
        bench.table.connected()
        for _ in 0..<3 { _ = bench.add() }
        #expect(bench.creates().count == 1)
        #expect(bench.requests().isEmpty)
        bench.create(0, at: 1)
        #expect(bench.creates().count == 1)
        #expect(bench.requests().isEmpty)
    }

    @Test mutating func memberGetsRequestsWithoutWaiting() throws {
        bench.table.connected()
        for _ in 0..<10 { _ = bench.add() }
        bench.create(try #require(bench.creates().first?.watchID), at: 1)
        let others = bench.creates()
        #expect(others.count == 9)
        for create in others { #expect(bench.create(create.watchID, at: 1).restart == nil) }
    }

    /// Also if the previous stream was another server's.
    @Test mutating func eachStreamLearnsItsOwnNumbering() async throws {
        try await bench.connect()
        let buffers = (0..<3).map { _ in bench.add().buffer }
        for create in bench.creates() { bench.create(create.watchID, at: 10) }
        for _ in 0..<2 {
            _ = bench.table.disconnected(EtcdError(code: .unavailable, message: "lost"))
            bench.table.connected()
            for number in 0..<3 { try create(Int64(number)) }
        }
        bench.events(1, 11)
        #expect(try await puts(buffers[0]) == [])
        #expect(try await puts(buffers[1]) == [.puts(11)])
        #expect(try await puts(buffers[2]) == [])
    }

    @Test mutating func hundredWatchesGetTheirOwnEvents() async throws {
        bench.table.connected()
        let buffers = (0..<100).map { bench.add(.key("\($0)")).buffer }
        for number in buffers.indices { try create(Int64(number)) }
        for number in buffers.indices.reversed() { bench.events(Int64(number), 1000 + Revision(number)) }
        for (number, buffer) in buffers.enumerated() {
            #expect(try await puts(buffer) == [.puts(1000 + Revision(number))])
        }
    }

    @Test mutating func fragmentsAndProgressUseTheAssignedNumber() async throws {
        bench.table.connected()
        let (_, buffer) = bench.add { $0.notifiesOfProgress = true }
        let (_, other) = bench.add { $0.notifiesOfProgress = true }
        try create(0)
        try create(1)
        bench.events(0, 11, fragment: true)
        bench.events(1, 11)
        bench.events(0, 11)
        bench.progress(0, 20)
        #expect(try await buffer.told() == [.connected(11), .puts(11, 11), .progress(20)])
        #expect(try await other.told() == [.connected(11), .puts(11)])
    }

    @Test mutating func suspendedWatchIsCancelledByItsAssignedNumber() async throws {
        bench = WatchBench(maxEvents: 1)
        bench.table.connected()
        let (id, buffer) = bench.add()
        try create(0)
        bench.events(0, 11)
        bench.events(0, 12)
        #expect(bench.cancels() == [0])
        #expect(try await puts(buffer) == [.puts(11)])
        bench.table.resume(id)
        try create(1)
        #expect(bench.events(0, 12).restart == nil, "these events were on their way")
        bench.events(1, 12)
        #expect(try await puts(buffer) == [.puts(12)])
    }

    // MARK: - Watches that were dropped

    @Test mutating func watchDroppedDuringCreationIsCancelledByItsAssignedNumber() async throws {
        bench.table.connected()
        let (id, _) = bench.add()
        let (_, second) = bench.add()
        #expect(bench.creates().count == 1)
        bench.table.remove(id)
        #expect(bench.requests().isEmpty)
        #expect(bench.create(0, at: 10).restart == nil)
        let requests = bench.requests()
        #expect(requests.first?.cancelRequest == .with { $0.watchID = 0 })
        #expect(requests.count == 2)
        #expect(bench.events(0, 11).restart == nil)
        bench.create(1, at: 11)
        bench.events(1, 12)
        #expect(try await second.told() == [.connected(12), .puts(12)])
    }

    @Test mutating func queuedWatchThatIsDroppedIsNotRequested() throws {
        bench.table.connected()
        _ = bench.add(.key("a"))
        let (id, _) = bench.add(.key("b"))
        _ = bench.add(.key("c"))
        try create(0)
        bench.table.remove(id)
        #expect(bench.creates().map(\.key) == [Data("c".utf8)])
    }

    @Test mutating func eventsOfADroppedWatchAreIgnored() throws {
        bench.table.connected()
        let (id, _) = bench.add()
        _ = bench.add()
        try create(0)
        try create(1)
        bench.table.remove(id)
        for _ in 0..<2 {
            #expect(bench.events(0, 11).restart == nil)
            #expect(bench.progress(0, 12).restart == nil)
            let canceled = bench.receive {
                $0.watchID = 0
                $0.canceled = true
            }
            #expect(canceled.restart == nil)
        }
        #expect(bench.table.count == 1)
    }

    // MARK: - Answers that fit no request

    /// The kinds of answers that make a stream useless.
    enum Nonsense: CaseIterable {
        case unasked, twice, lower, negative, otherThanAsked, unknownEvents, unknownEnd
    }

    @Test(arguments: Nonsense.allCases)
    mutating func answerThatFitsNoRequestRestartsTheStream(_ nonsense: Nonsense) async throws {
        bench.table.connected()
        _ = bench.add()
        _ = bench.add()
        let effects: WatchTable.Effects
        switch nonsense {
        case .unasked:
            try create(0)
            try create(1)
            effects = bench.create(2, at: 10)
        case .twice:
            try create(0)
            _ = bench.creates()
            effects = bench.create(0, at: 10)
        case .lower:
            try create(7)
            _ = bench.creates()
            effects = bench.create(3, at: 10)
        case .negative:
            _ = bench.creates()
            effects = bench.create(-1, at: 10)
        case .otherThanAsked:
            let number = try #require(bench.creates().first?.watchID)
            bench.create(number, at: 10)
            _ = bench.creates()
            effects = bench.create(number + 7, at: 10)
        case .unknownEvents:
            try create(0)
            effects = bench.events(5, 11)
        case .unknownEnd:
            try create(0)
            effects = bench.receive {
                $0.watchID = 5
                $0.canceled = true
            }
        }
        let error = try #require(effects.restart)
        #expect(error.code == .unavailable)
        // The watches continue on another stream.
        _ = bench.table.disconnected(error)
        bench.table.connected()
        try create(0)
        try create(1)
    }

    // MARK: - Refusals

    /// A proxy gives no reason.
    @Test mutating func refusalWithoutAReasonEndsItsWatchOnly() async throws {
        bench.table.connected()
        let (_, good) = bench.add(.key("good"))
        let (_, bad) = bench.add(.prefix("bad/"))
        let (_, last) = bench.add(.key("last"))
        try create(0)
        _ = bench.creates()
        let restart = try #require(bench.refuse("").restart)
        #expect(restart.code == .unauthenticated, "a new token may help")
        _ = bench.table.disconnected(restart)
        bench.table.connected()
        try create(0)
        _ = bench.creates()
        #expect(bench.refuse("").restart == nil)
        try create(1)
        let failure = await expectFailure { while try await bad.next() != nil {} }
        #expect(failure?.code == .permissionDenied)
        #expect(failure?.message.contains(#"the prefix "bad/""#) == true)
        #expect(failure?.message.contains(#"user "ada""#) == true)
        bench.events(0, 11)
        bench.events(1, 12)
        #expect(try await puts(good) == [.puts(11)])
        #expect(try await puts(last) == [.puts(12)])
    }

    // MARK: - What a proxy leaves out

    /// A proxy answers some requests itself, with a header that has no cluster.
    @Test mutating func missingClusterIDIsNotAnotherCluster() async throws {
        bench.table.connected()
        _ = bench.add { $0.from = 5 }
        _ = bench.creates()
        bench.create(0, at: 5, cluster: 0)
        #expect(bench.table.verify(cluster: 1, revision: 100).isEmpty)
        #expect(bench.table.verify(cluster: 0, revision: 100).isEmpty)
        #expect(bench.table.verify(cluster: 1, revision: 100).isEmpty)
        #expect(bench.table.verify(cluster: 2, revision: 100).count == 1)
    }

    @Test mutating func watchWithoutARevisionInItsAnswerStartsWithItsEvents() async throws {
        bench.table.connected()
        let (_, buffer) = bench.add()
        _ = bench.creates()
        bench.create(0, at: 0)
        bench.events(0, 11)
        #expect(try await puts(buffer) == [.puts(11)])
        _ = bench.table.disconnected(EtcdError(code: .unavailable, message: "lost"))
        bench.table.connected()
        #expect(bench.creates().map(\.startRevision) == [12])
    }
}
