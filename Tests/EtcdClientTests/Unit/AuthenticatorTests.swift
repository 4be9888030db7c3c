import ServiceKit
import ServiceKitConcurrency
import Testing

@testable import EtcdClient

@Suite(.timeLimit(.minutes(1)))
struct AuthenticatorTests {
    private let authenticator = Authenticator()
    private let fetches = Watched(0)
    private let later = ContinuousClock.now.advanced(by: .seconds(3600))

    /// Fetches a token that contains the number of the fetch.
    private func token() async throws -> Authenticator.Token {
        try await authenticator.token(until: later) { [fetches] in "token \(fetches.update { $0 += 1; return $0 })" }
    }

    @Test func tokenIsFetchedOnce() async throws {
        for _ in 0..<10 { #expect(try await token().value == "token 1") }
    }

    @Test func concurrentCallersShareOneTokenFetch() async throws {
        let gate = Promise<Void>()
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<100 {
                group.addTask { [authenticator, fetches] in
                    try await authenticator.token(until: later) {
                        let number = fetches.update {
                            $0 += 1; return $0
                        }
                        try await gate.value()
                        return "token \(number)"
                    }.value
                }
            }
            _ = await fetches.first { $0 > 0 }
            gate.resolve(.success(()))
            for try await value in group { #expect(value == "token 1") }
        }
        #expect(fetches.value == 1)
    }

    @Test func concurrentRefusalsRenewTheTokenOnce() async throws {
        let old = try await token()
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    authenticator.invalidate(old)
                    return try await token().value
                }
            }
            for try await value in group { #expect(value == "token 2") }
        }
    }

    @Test func refusalOfAnOldTokenKeepsTheNewToken() async throws {
        let old = try await token()
        authenticator.invalidate(old)
        let new = try await token()
        authenticator.invalidate(old)
        #expect(try await token().value == new.value)
        #expect(fetches.value == 2)
    }

    @Test func aFailureIsToldToAllAndThenItIsTriedAgain() async throws {
        let gate = Promise<Void>()
        let failure = EtcdError(code: .unavailable, message: "nobody")
        try await withThrowingTaskGroup(of: EtcdError.Code?.self) { group in
            for _ in 0..<10 {
                group.addTask { [authenticator, fetches] in
                    await expectFailure {
                        _ = try await authenticator.token(until: later) {
                            fetches.update { $0 += 1 }
                            try await gate.value()
                            throw failure
                        }
                    }?.code
                }
            }
            _ = await fetches.first { $0 > 0 }
            gate.resolve(.success(()))
            for try await code in group { #expect(code == .unavailable) }
        }
        let failed = fetches.value
        #expect(try await token().value == "token \(failed + 1)")
    }

    @Test func cancelledCallerDoesNotCancelTheSharedFetch() async throws {
        let gate = Promise<Void>()
        let first = Task { [authenticator, fetches] in
            try await authenticator.token(until: later) {
                fetches.update { $0 += 1 }
                try await gate.value()
                return "token"
            }.value
        }
        _ = await fetches.first { $0 == 1 }
        let second = Task { try await token().value }
        first.cancel()
        await expectThrown(CancellationError.self) { _ = try await first.value }
        gate.resolve(.success(()))
        #expect(try await second.value == "token")
        #expect(fetches.value == 1)
    }

    @Test func callerWaitsForATokenNoLongerThanItsDeadline() async throws {
        let gate = Promise<Void>()
        let hanging: @Sendable () async throws -> String = {
            try await gate.value()
            return "token"
        }
        for _ in 0..<2 {
            let soon = ContinuousClock.now.advanced(by: .milliseconds(10))
            await expectFailure(.timeout) { _ = try await authenticator.token(until: soon, hanging) }
        }
        gate.resolve(.success(()))
        #expect(try await token().value == "token", "whoever has more time is given it")
    }
}
