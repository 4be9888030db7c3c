import GRPCCore
import Logging
import ServiceKit
import ServiceKitConcurrency
import SwiftProtobuf
import Testing

@testable import EtcdClient

/// Streams, and the reaction to their failures.
@Suite(.timeLimit(.minutes(1)))
struct StreamCallsTests {
    private static let down = RPCError(code: .unavailable, message: "connection refused")

    private func calls(_ callers: ScriptedCaller..., credentials: EtcdConfig.Credentials? = nil) -> Calls {
        let members = callers.indices.map { Member(endpoint: EtcdEndpoint(host: "m\($0)"), caller: callers[$0]) }
        var config = EtcdConfig(endpoints: members.map(\.endpoint))
        config.credentials = credentials
        return Calls(
            Members(members, first: 0), config, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func caller(_ stream: @escaping ScriptedCaller.Stream) -> ScriptedCaller {
        ScriptedCaller({ _ in WireAuthenticateResponse.with { $0.token = "token" } }, stream: stream)
    }

    private func watch(
        _ calls: Calls,
        consume: @escaping @Sendable (WireWatchResponse) async throws -> Void = { _ in },
        answerDeadline: @escaping @Sendable () -> ContinuousClock.Instant? = { nil },
        produce: @escaping @Sendable () async throws -> Void = { try await Promise<Void>().value() }
    ) async throws(EtcdError) -> Bool {
        try await calls.stream(
            EtcdMethods.watch, produce: { _ in try await produce() }, consume: consume, answerDeadline: answerDeadline,
            answersChanged: Signal())
    }

    @Test func streamDoesNotWaitForAConnectingMember() async throws {
        let slow = caller { _, _ in }
        slow.isConnected.set(false)
        let good = caller { _, _ in }
        _ = try await watch(calls(slow, good))
        #expect(slow.methods.isEmpty)
        #expect(good.methods == ["Watch"])
    }

    @Test func streamReturnsWhenTheMemberEndsIt() async throws {
        let received = Watched<[Int64]>([])
        let caller = caller { _, respond in
            for id in 1...3 { try await respond(WireWatchResponse.with { $0.watchID = Int64(id) }) }
        }
        let isOver = try await watch(
            calls(caller),
            consume: { response in
                received.update { $0.append(response.watchID) }
            })
        #expect(!isOver)
        #expect(received.value == [1, 2, 3])
        #expect(Array(try #require(caller.calls.value.first).metadata[stringValues: "hasleader"]) == ["true"])
    }

    /// Also if the member would continue.
    @Test func streamEndsWhenProduceReturns() async throws {
        let caller = caller { _, _ in try await Promise<Void>().value() }
        let isOver = try await watch(calls(caller), produce: {})
        #expect(isOver)
    }

    @Test func streamAfterAFailureGoesToAnotherMember() async throws {
        let bad = caller { _, _ in throw Self.down }
        let good = caller { _, _ in }
        let calls = calls(bad, good)
        let failure = await expectFailure { _ = try await watch(calls) }
        #expect(failure?.code == .unavailable)
        #expect(failure?.message.contains("http://m0:2379: Watch") == true)
        _ = try await watch(calls)
        #expect(good.methods == ["Watch"])
    }

    @Test func anOverdueAnswerEndsAStream() async throws {
        let bad = caller { _, _ in _ = try await Promise<Void>().value() }
        let good = caller { _, _ in }
        let calls = calls(bad, good)
        let failure = await expectFailure(.timeout) {
            _ = try await watch(calls, answerDeadline: { .now })
        }
        #expect(failure?.message == "etcd: an answer to Watch is overdue")
        _ = try await watch(calls)
        #expect(good.methods == ["Watch"], "the member that was late is avoided")
    }

    @Test func errorOfConsumeEndsTheStream() async throws {
        let caller = caller { _, respond in
            try await respond(WireWatchResponse())
            _ = try await Promise<Void>().value()
        }
        let wrong = EtcdError(code: .unauthenticated, message: "refused")
        let credentials = EtcdConfig.Credentials(username: "ada", password: "secret")
        let calls = calls(caller, credentials: credentials)
        for _ in 0..<2 {
            let failure = await expectFailure { _ = try await watch(calls, consume: { _ in throw wrong }) }
            #expect(failure == wrong)
        }
        #expect(caller.methods == ["Authenticate", "Watch", "Authenticate", "Watch"], "a new token each time")
        #expect(caller.calls.value.last?.token == "token")
    }

    @Test func cancellationEndsAStream() async throws {
        let caller = caller { _, _ in _ = try await Promise<Void>().value() }
        let calls = calls(caller)
        let task = Task { _ = try await watch(calls) }
        _ = await caller.calls.first { !$0.isEmpty }
        task.cancel()
        await expectFailure(.cancelled) { try await task.value }
    }
}
