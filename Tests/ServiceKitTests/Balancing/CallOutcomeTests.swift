import Testing

@testable import ServiceKit

/// The judgement of a node by the status of its answer.
@Suite struct CallOutcomeTests {
    /// The statuses that the node is to blame for.
    @Test func theNodeIsJudgedByItsOwnFailuresOnly() {
        let failures: Set<CallStatus> = [
            .unavailable, .deadlineExceeded, .resourceExhausted, .internalError, .unknown, .dataLoss,
        ]
        for status in CallStatus.allCases where status != .cancelled {
            switch CallOutcome(status) {
            case .failure: #expect(failures.contains(status), "\(status)")
            case .success: #expect(!failures.contains(status), "\(status)")
            case .refused, .ignored: Issue.record("\(status)")
            }
        }
        if case .ignored = CallOutcome(.cancelled) {} else { Issue.record() }
    }

    @Test func aLimitSaysNothingBadOfTheNode() {
        if case .refused = CallOutcome(.resourceExhausted, isRefusal: true) {} else { Issue.record() }
        if case .ignored = CallOutcome(.resourceExhausted, isOverRate: true) {} else { Issue.record() }
        if case .failure = CallOutcome(.unavailable, isRefusal: true) {} else { Issue.record() }
    }
}
