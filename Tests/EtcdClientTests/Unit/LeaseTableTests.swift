import Testing

@testable import EtcdClient

struct LeaseTableTests {
    private let start = ContinuousClock.now
    private var table = LeaseTable<String>()

    private func at(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    private mutating func add(_ id: LeaseID, ttl: Int, at seconds: Double = 0) {
        #expect(table.add(Lease(id: id, ttl: .seconds(ttl)), "listener \(id)", at: at(seconds)) == nil)
    }

    @Test mutating func renewalIsDueAfterAThirdOfTheTTL() throws {
        var pauses: Set<Duration> = []
        for id in 1...200 {
            add(LeaseID(id), ttl: 30)
            let pause = start.duration(to: try #require(table.nextRenewal))
            #expect((.seconds(9)...(.seconds(11))).contains(pause))
            pauses.insert(pause)
            table.remove(LeaseID(id))
        }
        #expect(pauses.count > 100, "leases are not renewed all at once")
    }

    @Test mutating func noRenewalIsDueEarlier() {
        add(1, ttl: 30)
        #expect(table.takeDue(at: at(8.9)) == [])
        #expect(table.answerDeadline == nil)
        #expect(table.takeDue(at: at(11.1)) == [1])
        #expect(table.takeDue(at: at(11.1)) == [], "it was taken")
    }

    @Test mutating func nextRenewalIsDueAThirdLater() throws {
        add(1, ttl: 30)
        #expect(table.takeDue(at: at(11)) == [1])
        #expect(table.takeDue(at: at(19.9)) == [])
        #expect(table.takeDue(at: at(22)) == [1], "though there was no answer")
        _ = table.renewed(1, ttl: .seconds(30), at: at(22.1))
        let next = at(22).duration(to: try #require(table.nextRenewal))
        #expect((.seconds(9)...(.seconds(11))).contains(next))
    }

    @Test mutating func nextRenewalIsTheEarliestOfAllLeases() throws {
        add(1, ttl: 300)
        add(2, ttl: 3)
        add(3, ttl: 30)
        #expect(try #require(table.nextRenewal) <= at(1.1))
        #expect(table.takeDue(at: at(11.1)).sorted() == [2, 3])
    }

    @Test mutating func answerIsOverdueAfterHalfTheTTL() {
        add(1, ttl: 6)
        #expect(table.takeDue(at: at(2.5)) == [1])
        #expect(table.answerDeadline == at(5.5))
        _ = table.renewed(1, ttl: .seconds(6), at: at(3))
        #expect(table.answerDeadline == nil)
    }

    /// A gRPC proxy renews a lease after each third of its life, and answers a client only then.
    @Test(arguments: [6, 15, 60, 3000])
    mutating func answerMayTakeMoreThanAThirdOfTheTTL(ttl: Int) throws {
        add(1, ttl: ttl)
        let asked = Double(ttl) * 0.37
        #expect(table.takeDue(at: at(asked)) == [1])
        #expect(try #require(table.answerDeadline) > at(asked + Double(ttl) / 3 + 0.5))
        #expect(try #require(table.answerDeadline) < at(Double(ttl) * 0.9), "there is time to ask another member")
    }

    @Test mutating func answerDeadlineCountsFromTheFirstRequest() {
        add(1, ttl: 6)
        #expect(table.takeDue(at: at(2.5)) == [1])
        #expect(table.takeDue(at: at(5)) == [1])
        #expect(table.answerDeadline == at(5.5))
    }

    @Test mutating func leaseExpiresWithoutARenewal() {
        add(1, ttl: 6)
        add(2, ttl: 9)
        #expect(table.nextExpiry == at(6))
        #expect(table.takeExpired(at: at(5.9)).isEmpty)
        let expired = table.takeExpired(at: at(6))
        #expect(expired.map(\.id) == [1])
        #expect(expired.map(\.listener) == ["listener 1"])
        #expect(table.count == 1)
        #expect(table.nextExpiry == at(9))
    }

    /// etcd counts from a moment after the request. Counting from the answer would be too long.
    @Test mutating func expiryCountsFromTheRequestOfTheRenewal() {
        add(1, ttl: 6)
        #expect(table.takeDue(at: at(2.5)) == [1])
        #expect(table.renewed(1, ttl: .seconds(6), at: at(4)) == "listener 1")
        #expect(table.nextExpiry == at(8.5))
    }

    @Test mutating func expiryCountsFromTheFirstOfTwoRequests() {
        add(1, ttl: 6)
        #expect(table.takeDue(at: at(2.5)) == [1])
        #expect(table.takeDue(at: at(5)) == [1])
        #expect(table.renewed(1, ttl: .seconds(6), at: at(5.5)) == "listener 1")
        #expect(table.nextExpiry == at(8.5))
    }

    @Test mutating func answerMayChangeTheTTL() {
        add(1, ttl: 6)
        #expect(table.takeDue(at: at(2.5)) == [1])
        _ = table.renewed(1, ttl: .seconds(60), at: at(2.6))
        #expect(table.nextExpiry == at(62.5))
        #expect(table.takeDue(at: at(4.8)) == [1], "the next renewal was planned before")
        #expect(table.takeDue(at: at(22)) == [], "the one after that is planned with the new time")
    }

    @Test mutating func unansweredRenewalIsDueAtOnceAfterADisconnect() {
        add(1, ttl: 30)
        add(2, ttl: 300)
        #expect(table.takeDue(at: at(11.1)) == [1])
        table.disconnected(at: at(12))
        #expect(table.answerDeadline == nil, "nobody will answer")
        #expect(table.takeDue(at: at(12)) == [1], "at once, and only unanswered renewals")
        #expect(table.renewed(1, ttl: .seconds(30), at: at(13)) == "listener 1")
        #expect(table.nextExpiry == at(42), "the answer is to the second request")
    }

    @Test mutating func answeredRenewalIsNotRepeatedAfterADisconnect() {
        add(1, ttl: 30)
        #expect(table.takeDue(at: at(11.1)) == [1])
        _ = table.renewed(1, ttl: .seconds(30), at: at(11.2))
        table.disconnected(at: at(12))
        #expect(table.takeDue(at: at(12)) == [])
    }

    @Test mutating func lostLeaseIsRemoved() {
        add(1, ttl: 30)
        #expect(table.lost(1) == "listener 1")
        #expect(table.lost(1) == nil)
        #expect(table.isEmpty)
        #expect(table.renewed(1, ttl: .seconds(30), at: at(1)) == nil)
        #expect(table.nextRenewal == nil)
        #expect(table.nextExpiry == nil)
    }

    @Test mutating func secondListenerReplacesTheFirst() {
        add(1, ttl: 30)
        #expect(table.add(Lease(id: 1, ttl: .seconds(30)), "another", at: at(1)) == "listener 1")
        #expect(table.count == 1)
        #expect(table.lost(1) == "another")
    }

    @Test mutating func closeRemovesAllLeases() {
        add(1, ttl: 30)
        add(2, ttl: 30)
        #expect(!table.isClosed)
        #expect(table.close().sorted() == ["listener 1", "listener 2"])
        #expect(table.isEmpty)
        #expect(table.isClosed)
    }

    @Test func secondsAreRoundedUp() {
        #expect(Duration.milliseconds(1).wholeSeconds == 1)
        #expect(Duration.seconds(2).wholeSeconds == 2)
        #expect(Duration.milliseconds(2001).wholeSeconds == 3)
    }
}
