import GRPCCore
import GRPCNghttp2Transport
import Testing

@testable import ServiceKitGRPC

/// How long calls wait for what.
@Suite struct PatienceTests {
    private let start = ContinuousClock.now
    private let cause = RPCError(code: .unavailable, message: "refused", cause: CallNotProcessed())

    private func patience(waitsForReady: Bool = false, deadline: Duration? = nil) -> Patience {
        var options = ChannelOptions()
        options.readyTimeout = .seconds(10)
        options.settleTimeout = .seconds(1)
        return Patience(
            service: "test",
            options: options,
            waitsForReady: waitsForReady,
            deadline: deadline.map { start + $0 },
            start: start
        )
    }

    /// The limit, as a time since the start, or the error's code.
    private func outcome(_ patience: Patience, _ availability: Availability, after: Duration) -> String {
        do {
            return "\(try patience.limit(availability, now: start + after) - start)"
        } catch {
            return "\(error.code)"
        }
    }

    @Test func aCallWaitsForTheRegistryAndForConnections() {
        for availability in [Availability.resolving(cause: nil), .connecting, .ready] {
            #expect(outcome(patience(), availability, after: .seconds(3)) == "10.0 seconds")
            #expect(outcome(patience(), availability, after: .seconds(10)) == "unavailable")
            #expect(outcome(patience(deadline: .seconds(5)), availability, after: .seconds(3)) == "5.0 seconds")
            #expect(outcome(patience(deadline: .seconds(5)), availability, after: .seconds(5)) == "deadlineExceeded")
        }
    }

    @Test func aFailingChannelIsWaitedForUntilItHasSettled() {
        let failing = Availability.failing(cause, since: start + .seconds(2))
        #expect(outcome(patience(), failing, after: .seconds(2)) == "3.0 seconds")
        #expect(outcome(patience(), failing, after: .seconds(3)) == "unavailable")
        let late = Availability.failing(cause, since: start + .seconds(9.5))
        #expect(outcome(patience(), late, after: .seconds(9.6)) == "10.0 seconds")
    }

    @Test func nothingRegisteredIsWaitedForUntilItHasSettled() {
        let empty = Availability.empty(since: start - .seconds(0.5))
        #expect(outcome(patience(), empty, after: .zero) == "0.5 seconds")
        #expect(outcome(patience(), empty, after: .seconds(0.5)) == "unavailable")
        let long = Availability.empty(since: start - .seconds(1))
        #expect(outcome(patience(), long, after: .zero) == "unavailable")
    }

    @Test func aCallThatWaitsForReadyWaitsForItsDeadlineAlone() {
        let states = [Availability.resolving(cause: nil), .empty(since: start), .connecting, .failing(cause, since: start)]
        for availability in states {
            let patience = patience(waitsForReady: true, deadline: .seconds(100))
            #expect(outcome(patience, availability, after: .seconds(50)) == "100.0 seconds")
            #expect(outcome(patience, availability, after: .seconds(100)) == "deadlineExceeded")
        }
    }

    @Test func aClosedChannelIsHopeless() {
        #expect(outcome(patience(waitsForReady: true), .closed, after: .zero) == "failedPrecondition")
        #expect(outcome(patience(deadline: .zero), .closed, after: .seconds(20)) == "failedPrecondition")
    }

    @Test func whatCouldNotBeReachedWasNotProcessed() throws {
        let error = try #require(throws: RPCError.self) {
            try patience().limit(.failing(cause, since: start), now: start + .seconds(1))
        }
        #expect(error.cause is CallNotProcessed)
    }
}
