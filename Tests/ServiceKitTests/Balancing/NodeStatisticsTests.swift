import Foundation
import Testing

@testable import ServiceKit

@Suite struct NodeStatisticsTests {
    static let millisecond: UInt64 = 1_000_000

    let statistics = NodeStatistics()

    func call(from start: UInt64, to end: UInt64, _ outcome: CallOutcome = .success) {
        statistics.end(statistics.begin(at: start * Self.millisecond), at: end * Self.millisecond, with: outcome)
    }

    @Test func theFirstCallCountsFully() {
        call(from: 1, to: 21, .failure)
        #expect(statistics.latency == 20e6)
        #expect(statistics.success == 0)
    }

    @Test func meansDecayWithTheTimeBetweenEnds() {
        call(from: 1, to: 11)
        call(from: 281, to: 311, .failure)
        // 300 ms between the ends, of 600.
        let past = exp(-0.5)
        #expect(abs(statistics.latency - (10e6 * past + 30e6 * (1 - past))) < 1)
        #expect(abs(statistics.success - past) < 0.001)
    }

    /// A stream may be open for hours.
    @Test func latencyOfAStreamEndsWithTheFirstPartOfItsAnswer() {
        let stream = statistics.begin(at: 1 * Self.millisecond)
        statistics.answered(stream, at: 11 * Self.millisecond)
        #expect(statistics.latency == 10e6 && statistics.inFlight == 1)
        // An hour later the open stream predicts nothing.
        let hour = 3600 * 1000 * Self.millisecond
        let idle = NodeStatistics()
        idle.end(idle.begin(at: 1), at: 1 + 10 * Self.millisecond, with: .success)
        _ = idle.begin(at: hour)
        #expect(statistics.score(at: hour) == idle.score(at: hour))
        statistics.end(stream, at: hour, with: .success)
        #expect(statistics.latency == 10e6 && statistics.success == 1 && statistics.inFlight == 0)
        // A second end, or an answer after it, changes nothing.
        statistics.end(stream, at: hour, with: .failure)
        statistics.answered(stream, at: 2 * hour)
        #expect(statistics.latency == 10e6 && statistics.success == 1 && statistics.inFlight == 0)
    }

    @Test func aStreamThatBreaksOffCountsAsAFailure() {
        let stream = statistics.begin(at: 1 * Self.millisecond)
        statistics.answered(stream, at: 11 * Self.millisecond)
        statistics.end(stream, at: 10_000 * Self.millisecond, with: .failure)
        #expect(statistics.latency == 10e6 && statistics.success < 0.01)
    }

    /// A node that is full is not bad.
    @Test func aRefusedCallIsLoadUntilItFades() {
        call(from: 1, to: 11)
        call(from: 12, to: 13, .refused)
        #expect(statistics.latency == 10e6 && statistics.success == 1)
        #expect(statistics.load(at: 13 * Self.millisecond).own == 2)
        #expect(statistics.load(at: 10_000 * Self.millisecond).own < 0.001)
    }

    @Test func meansForgetAsFastAsTheStatisticsWhoseDecayWasTaken() {
        call(from: 1, to: 11)
        statistics.takeDecay(of: NodeStatistics(decay: .milliseconds(300)))
        #expect(statistics.latency == 10e6 && statistics.requests == 1)
        call(from: 281, to: 311)
        let past = exp(-1.0)
        #expect(abs(statistics.latency - (10e6 * past + 30e6 * (1 - past))) < 1)
    }

    @Test func endsAtTheSameTimeCountOnce() {
        call(from: 1, to: 11)
        call(from: 1, to: 11, .failure)
        #expect(statistics.latency == 10e6)
        #expect(statistics.success == 1)
    }

    @Test func failureThatComesFastDoesNotMakeANodeLookFast() {
        call(from: 1, to: 101)
        call(from: 300, to: 301, .failure)
        #expect(statistics.latency == 100e6)
    }

    @Test func failedCallCountsAsInFlightAndFades() {
        call(from: 1, to: 11, .failure)
        call(from: 1, to: 11, .failure)
        let load = { (time: UInt64) in statistics.load(at: time * Self.millisecond).own }
        #expect(abs(load(11) - 2) < 1e-9)
        #expect(abs(load(611) - 2 * exp(-1)) < 1e-9)
        _ = statistics.begin(at: 611 * Self.millisecond)
        #expect(abs(load(611) - 1 - 2 * exp(-1)) < 1e-9)
        #expect(statistics.inFlight == 1)
        // Forgotten.
        call(from: 60_000, to: 60_001)
        #expect(load(60_001) == 1)
    }

    @Test func callThatWasOutrunTookAtLeastAsLongAsItHad() {
        call(from: 1, to: 11)
        let slow = statistics.begin(at: 100 * Self.millisecond)
        statistics.outrun(slow, at: 311 * Self.millisecond)
        let past = exp(-0.5)
        #expect(abs(statistics.latency - (10e6 * past + 211e6 * (1 - past))) < 1)
        #expect(statistics.success == 1 && statistics.inFlight == 0)
        let latency = statistics.latency
        statistics.outrun(statistics.begin(at: 400 * Self.millisecond), at: 401 * Self.millisecond)
        #expect(statistics.latency == latency && statistics.inFlight == 0)
    }

    @Test func ignoredOutcomeIsNotCounted() {
        call(from: 1, to: 500, .ignored)
        #expect(statistics.latency == 0 && statistics.success == 1 && statistics.inFlight == 0)
    }

    @Test func scoreIsSuccessDividedByLoad() {
        call(from: 1, to: 11)
        let now = 11 * Self.millisecond
        #expect(abs(statistics.score(at: now) - 1 / (15e6).squareRoot()) < 1e-12)
        _ = statistics.begin(at: now)
        #expect(abs(statistics.score(at: now) - 1 / (15e6).squareRoot() / 2) < 1e-12)
        // A node of twice the weight bears twice the calls.
        #expect(abs(statistics.score(at: now, share: 2) - 1 / (15e6).squareRoot() / 1.5) < 1e-12)
    }

    @Test func hangingCallsRaiseTheLatencyBeforeTheyEnd() {
        call(from: 1, to: 11)
        _ = statistics.begin(at: 100 * Self.millisecond)
        _ = statistics.begin(at: 200 * Self.millisecond)
        // Both are older than the mean: their mean age is 150 ms.
        let score = statistics.score(at: 300 * Self.millisecond)
        #expect(abs(score - 1 / (155e6).squareRoot() / 3) < 1e-12)
    }

    @Test func aMinorityOfOldCallsPredictsNothing() {
        call(from: 1, to: 11)
        _ = statistics.begin(at: 100 * Self.millisecond)
        for _ in 0..<2 { _ = statistics.begin(at: 299 * Self.millisecond) }
        let score = statistics.score(at: 300 * Self.millisecond)
        #expect(abs(score - 1 / (15e6).squareRoot() / 4) < 1e-12)
    }

    @Test func aPredictionEndsWithTheCalls() {
        call(from: 1, to: 11)
        let hanging = statistics.begin(at: 100 * Self.millisecond)
        _ = statistics.score(at: 300 * Self.millisecond)
        statistics.end(hanging, at: 300 * Self.millisecond, with: .ignored)
        #expect(abs(statistics.score(at: 302 * Self.millisecond) - 1 / (15e6).squareRoot()) < 1e-12)
    }

    @Test func slotsAreUsedAgainAndACallEndsOnce() {
        let first = statistics.begin(at: 1)
        let second = statistics.begin(at: 2)
        statistics.end(first, at: 3, with: .success)
        statistics.end(first, at: 4, with: .success)
        #expect(statistics.inFlight == 1)
        let third = statistics.begin(at: 5)
        statistics.end(first, at: 6, with: .success)
        #expect(statistics.inFlight == 2)
        for call in [second, third] { statistics.end(call, at: 7, with: .success) }
        #expect(statistics.inFlight == 0)
    }

    @Test func clockThatGoesBackDoesNoHarm() {
        let call = statistics.begin(at: 1000)
        statistics.end(call, at: 900, with: .success)
        let again = statistics.begin(at: 800)
        statistics.end(again, at: 700, with: .success)
        #expect(statistics.latency == 0 && statistics.score(at: 1) > 0)
    }

    @Test func turnsFollowTheRatioOfLosses() {
        _ = statistics.begin(at: 1)
        for (ratio, losses) in [(1.0, 32), (2.0, 64), (13.0, 416)] {
            let turns = (0..<losses).map { _ in statistics.claimsTurn(against: ratio, maxIdle: 3_000_000_000, at: 2) }
            #expect(turns.last == true && turns.count(where: \.self) == 1)
        }
        #expect(
            !(0..<100_000).contains { _ in statistics.claimsTurn(against: .infinity, maxIdle: 3_000_000_000, at: 2) })
    }

    @Test func idleNodeGetsATurnButNotAtEveryDraw() {
        _ = statistics.begin(at: 1)
        let later: UInt64 = 3_000_000_002
        let turns = (0..<8).map { _ in statistics.claimsTurn(against: .infinity, maxIdle: 3_000_000_000, at: later) }
        #expect(turns == [false, false, false, false, false, false, false, true])
        // Now it has been called.
        #expect(
            !(0..<100).contains { _ in statistics.claimsTurn(against: .infinity, maxIdle: 3_000_000_000, at: later) })
    }
}
