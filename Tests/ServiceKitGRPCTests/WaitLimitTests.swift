import GRPCCore
import GRPCNghttp2Transport
import Testing

@testable import ServiceKitGRPC

/// How long calls wait for a node, and the error that ends the wait.
@Suite struct WaitLimitTests {
    private let start = ContinuousClock.now
    private let cause = RPCError(code: .unavailable, message: "refused", cause: CallNotProcessed())

    private func limit(waitsForReady: Bool = false, deadline: Duration? = nil) -> WaitLimit {
        var options = ChannelOptions()
        options.readyTimeout = .seconds(10)
        options.settleTimeout = .seconds(1)
        return WaitLimit(
            service: "test",
            options: options,
            waitsForReady: waitsForReady,
            deadline: deadline.map { start + $0 },
            start: start
        )
    }

    /// The limit, as a time since the start, or the error's code.
    private func outcome(_ limit: WaitLimit, _ state: ConnectivityState, after: Duration) -> String {
        do {
            return "\(try limit.next(state, now: start + after) - start)"
        } catch {
            return "\(error.code)"
        }
    }

    @Test func aCallWaitsForTheRegistryAndForConnectionsUntilTheReadyTimeout() {
        for state in [ConnectivityState.resolving(cause: nil), .connecting, .ready] {
            #expect(outcome(limit(), state, after: .seconds(3)) == "10.0 seconds")
            #expect(outcome(limit(), state, after: .seconds(10)) == "unavailable")
            #expect(outcome(limit(deadline: .seconds(5)), state, after: .seconds(3)) == "5.0 seconds")
            #expect(outcome(limit(deadline: .seconds(5)), state, after: .seconds(5)) == "deadlineExceeded")
        }
    }

    @Test func aFailingChannelFailsCallsAfterTheSettleTimeout() {
        let failing = ConnectivityState.transientFailure(cause, since: start + .seconds(2))
        #expect(outcome(limit(), failing, after: .seconds(2)) == "3.0 seconds")
        #expect(outcome(limit(), failing, after: .seconds(3)) == "unavailable")
        let late = ConnectivityState.transientFailure(cause, since: start + .seconds(9.5))
        #expect(outcome(limit(), late, after: .seconds(9.6)) == "10.0 seconds")
    }

    @Test func aServiceWithoutInstancesFailsCallsAfterTheSettleTimeout() {
        let empty = ConnectivityState.empty(since: start - .seconds(0.5))
        #expect(outcome(limit(), empty, after: .zero) == "0.5 seconds")
        #expect(outcome(limit(), empty, after: .seconds(0.5)) == "unavailable")
        let long = ConnectivityState.empty(since: start - .seconds(1))
        #expect(outcome(limit(), long, after: .zero) == "unavailable")
    }

    @Test func aCallThatWaitsForReadyEndsAtItsDeadlineOnly() {
        let states = [
            ConnectivityState.resolving(cause: nil), .empty(since: start), .connecting,
            .transientFailure(cause, since: start),
        ]
        for state in states {
            let limit = limit(waitsForReady: true, deadline: .seconds(100))
            #expect(outcome(limit, state, after: .seconds(50)) == "100.0 seconds")
            #expect(outcome(limit, state, after: .seconds(100)) == "deadlineExceeded")
        }
    }

    @Test func aChannelThatIsShutDownFailsCallsAtOnce() {
        #expect(outcome(limit(waitsForReady: true), .shutdown, after: .zero) == "failedPrecondition")
        #expect(outcome(limit(deadline: .zero), .shutdown, after: .seconds(20)) == "failedPrecondition")
    }

    @Test func errorOfAnUnreachableInstanceMeansNotProcessed() throws {
        let error = try #require(throws: RPCError.self) {
            try limit().next(.transientFailure(cause, since: start), now: start + .seconds(1))
        }
        #expect(error.cause is CallNotProcessed)
    }
}
