import NIOCore
import Testing

@testable import ServiceKitHTTP2

@Suite struct PingPolicyTests {
    private static func at(_ seconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000) + TimeAmount.seconds(seconds)
    }

    private static func policy(allowWithoutCalls: Bool = false) -> PingPolicy {
        PingPolicy(minInterval: .seconds(10), allowWithoutCalls: allowWithoutCalls)
    }

    /// Pings at these times; for each, whether it is one too many.
    private static func ping(
        _ policy: inout PingPolicy,
        at seconds: [Int64],
        hasCalls: Bool = true,
        expecting expected: [Bool],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let verdicts = seconds.map { policy.pingReceived(now: self.at($0), hasCalls: hasCalls) }
        #expect(verdicts == expected, sourceLocation: sourceLocation)
    }

    @Test func thirdStrikeIsOneTooMany() {
        var policy = Self.policy()
        Self.ping(&policy, at: [0, 1, 2, 3], expecting: [false, false, false, true])
    }

    @Test func pingsInTimeAreNoStrikes() {
        var policy = Self.policy()
        Self.ping(
            &policy, at: Array(stride(from: 0, to: 1000, by: 10)), expecting: Array(repeating: false, count: 100)
        )
    }

    @Test func pingAMomentTooSoonIsAStrike() {
        var policy = Self.policy()
        Self.ping(&policy, at: [0, 9, 18, 27], expecting: [false, false, false, true])
    }

    /// A ping in time does not clear strikes; only data from the server does.
    @Test func strikesStayAfterAPingInTime() {
        var policy = Self.policy()
        Self.ping(&policy, at: [0, 1, 2, 50, 51], expecting: [false, false, false, false, true])
    }

    @Test func dataFromTheServerClearsStrikes() {
        var policy = Self.policy()
        for round in 0..<10 as Range<Int64> {
            Self.ping(&policy, at: [round, round, round], expecting: [false, false, false])
            policy.somethingWasSent()
        }
        Self.ping(&policy, at: [20, 20, 20, 20], expecting: [false, false, false, true])
    }

    @Test func connectionWithoutCallsMayPingEveryTwoHours() {
        var policy = Self.policy()
        Self.ping(&policy, at: [0, 7200, 14_400, 21_600], hasCalls: false, expecting: [false, false, false, false])
        policy = Self.policy()
        Self.ping(&policy, at: [0, 7199, 14_398, 21_597], hasCalls: false, expecting: [false, false, false, true])
    }

    @Test func connectionWithoutCallsMayPingAtTheIntervalIfAllowed() {
        var policy = Self.policy(allowWithoutCalls: true)
        Self.ping(&policy, at: [0, 10, 20, 30], hasCalls: false, expecting: [false, false, false, false])
        Self.ping(&policy, at: [31, 32, 33], hasCalls: false, expecting: [false, false, true])
    }

    @Test func intervalOf0AllowsAnyPings() {
        var policy = PingPolicy(minInterval: .zero, allowWithoutCalls: true)
        Self.ping(
            &policy, at: Array(repeating: 0, count: 1000), hasCalls: false,
            expecting: Array(repeating: false, count: 1000)
        )
    }
}
