import Testing

@testable import EtcdClient

struct MemberChoiceTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    @Test func firstMemberIsKept() {
        var choice = MemberChoice(count: 3, first: 2)
        for second in 0..<10 { #expect(choice.pick(at: at(Double(second))) == 2) }
    }

    @Test func failureMovesToTheNextMember() {
        var choice = MemberChoice(count: 3, first: 2)
        choice.failed(2, at: at(0))
        #expect(choice.pick(at: at(0)) == 0)
        choice.failed(0, at: at(0))
        #expect(choice.pick(at: at(0)) == 1)
    }

    @Test func nextMemberIsKeptAfterTheFirstRecovers() {
        var choice = MemberChoice(count: 3, first: 0)
        choice.failed(0, at: at(0))
        #expect(choice.pick(at: at(0)) == 1)
        #expect(choice.pick(at: at(60)) == 1)
    }

    @Test func failedMemberIsAvoidedForAWhile() {
        var choice = MemberChoice(count: 2, first: 0)
        choice.failed(0, at: at(0))
        #expect(choice.pick(at: at(0.1)) == 1)
        choice.failed(1, at: at(0.2))
        // Both members are avoided. The first becomes usable sooner.
        #expect(choice.pick(at: at(0.3)) == 0)
        // The first member is usable again.
        #expect(choice.pick(at: at(0.5)) == 0)
        choice.failed(0, at: at(0.6))
        #expect(choice.pick(at: at(0.7)) == 1)
    }

    @Test func repeatedFailuresDoubleTheAvoidance() {
        var choice = MemberChoice(count: 2, first: 0)
        var now = 0.0
        for expected in [0.5, 1, 2, 4, 8, 10, 10, 10] {
            choice.failed(0, at: at(now))
            #expect(choice.pick(at: at(now)) == 1)
            // The other member fails for a moment. Is the first usable?
            var probe = choice
            probe.failed(1, at: at(now + expected - 0.01))
            #expect(probe.pick(at: at(now + expected)) == 0)
            now += expected
        }
        var avoided = choice
        avoided.failed(0, at: at(now))
        avoided.failed(1, at: at(now + 5))
        #expect(avoided.pick(at: at(now + 5.1)) == 1, "the member that is avoided for ten seconds is the worse choice")
    }

    @Test func connectedMemberIsPreferred() {
        var choice = MemberChoice(count: 3, first: 0)
        let states: [Reachability] = [.failing, .connecting, .connected]
        #expect(choice.pick(at: at(0)) { states[$0] } == 2)
        choice.failed(2, at: at(0))
        #expect(choice.nextUsable(after: at(0)) == at(0.5))
        #expect(choice.pick(at: at(0)) { states[$0] } == 1)
        choice.failed(1, at: at(0))
        #expect(choice.pick(at: at(0)) { states[$0] } == 0)
        #expect(choice.pick(at: at(0.5)) { states[$0] } == 2)
        #expect(choice.nextUsable(after: at(0.5)) == nil)
    }

    @Test func concurrentFailuresCountAsOne() {
        var choice = MemberChoice(count: 2, first: 0)
        for _ in 0..<100 { choice.failed(0, at: at(0)) }
        choice.failed(1, at: at(0.6))
        #expect(choice.pick(at: at(0.6)) == 0, "it is avoided for half a second only")
    }

    @Test func successResetsFailures() {
        var choice = MemberChoice(count: 2, first: 0)
        for second in [0.0, 1, 3] { choice.failed(0, at: at(second)) }
        choice.succeeded(0)
        choice.failed(1, at: at(3.1))
        #expect(choice.pick(at: at(3.1)) == 0)
        choice.failed(0, at: at(4))
        choice.failed(1, at: at(4.6))
        #expect(choice.pick(at: at(4.6)) == 0, "it is avoided as after its first failure")
    }

    @Test func singleMemberIsUsedAfterAnyFailure() {
        var choice = MemberChoice(count: 1, first: 0)
        for second in 0..<5 {
            choice.failed(0, at: at(Double(second)))
            #expect(choice.pick(at: at(Double(second))) == 0)
        }
    }
}
