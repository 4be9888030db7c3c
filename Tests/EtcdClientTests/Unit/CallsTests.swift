import GRPCCore
import GRPCNghttp2Transport
import Logging
import ServiceKit
import ServiceKitConcurrency
import SwiftProtobuf
import Testing

@testable import EtcdClient

/// The choice of members for calls, their retries, and their metadata.
@Suite(.timeLimit(.minutes(1)))
struct CallsTests {
    private static let down = RPCError(code: .unavailable, message: "connection refused")
    private static let untouched = RPCError(code: .unavailable, message: "refused", cause: CallNotProcessed())
    private static let noLeader = RPCError(code: .unavailable, message: "etcdserver: no leader")
    private static let hanging = RPCError(code: .deadlineExceeded, message: "too late")

    private func calls(
        _ callers: ScriptedCaller...,
        credentials: EtcdConfig.Credentials? = nil,
        timeout: Duration = .seconds(400),
        timeStands: Bool = false
    ) -> Calls {
        let members = callers.indices.map { Member(endpoint: EtcdEndpoint(host: "m\($0)"), caller: callers[$0]) }
        var config = EtcdConfig(endpoints: members.map(\.endpoint))
        config.credentials = credentials
        config.requestTimeout = timeout
        let start = ContinuousClock.now
        return Calls(
            // If time stands still, a failed member is avoided until the test ends, however busy the machine is.
            Members(members, first: 0, now: { timeStands ? start : .now }),
            config,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func range(_ calls: Calls) async throws(EtcdError) {
        _ = try await calls.unary(EtcdMethods.range, WireRangeRequest())
    }

    private func put(_ calls: Calls) async throws(EtcdError) {
        _ = try await calls.unary(EtcdMethods.put, WirePutRequest())
    }

    /// A member that answers all calls.
    private func well() -> ScriptedCaller {
        ScriptedCaller { call in
            switch call.method {
            case "Range": WireRangeResponse()
            case "Put": WirePutResponse()
            case "Authenticate": WireAuthenticateResponse.with { $0.token = "token" }
            default: WireStatusResponse()
            }
        }
    }

    /// A member that fails this many times, and then answers all calls.
    private func failing(_ count: Int, _ error: RPCError) -> ScriptedCaller {
        let failures = Watched(0)
        return ScriptedCaller { call in
            if failures.update({
                $0 += 1; return $0
            }) <= count {
                throw error
            }
            return call.method == "Put" ? WirePutResponse() : WireRangeResponse()
        }
    }

    // MARK: - Trying again

    @Test(arguments: [down, noLeader, hanging])
    func readFailsOverWhenAMemberCannotAnswer(error: RPCError) async throws {
        let bad = ScriptedCaller.always(.failure(error))
        let good = well()
        let calls = calls(bad, good, timeStands: true)
        for _ in 0..<5 { try await range(calls) }
        #expect(bad.methods.count < 5, "it is avoided for a while")
        #expect(good.methods.count == 5)
    }

    @Test func writeThatMayBeProcessedIsNotRetried() async throws {
        for error in [Self.down, Self.hanging] {
            let bad = ScriptedCaller.always(.failure(error))
            let good = well()
            let calls = calls(bad, good, timeStands: true)
            let failure = await expectFailure { try await put(calls) }
            #expect(failure?.code.isTransient == true)
            #expect(failure?.message.contains("http://m0:2379: Put") == true)
            #expect(good.methods.isEmpty)
            // The next call goes to the other member.
            try await put(calls)
            #expect(good.methods == ["Put"])
        }
    }

    @Test(arguments: [untouched, noLeader])
    func unprocessedWriteIsRetried(error: RPCError) async throws {
        let bad = ScriptedCaller.always(.failure(error))
        let good = well()
        try await put(calls(bad, good, timeStands: true))
        #expect(bad.methods == ["Put"])
        #expect(good.methods == ["Put"])
    }

    // MARK: - Members that are being connected to

    @Test func callDoesNotWaitForAConnectingMember() async throws {
        let slow = well()
        slow.isConnected.set(false)
        let good = well()
        let calls = calls(slow, good)
        for _ in 0..<3 {
            try await range(calls)
            try await put(calls)
        }
        #expect(slow.methods.isEmpty)
        #expect(good.methods.count == 6)
    }

    @Test func firstConnectedMemberIsCalled() async throws {
        let callers = [well(), well(), well()]
        for caller in callers { caller.isConnected.set(false) }
        let calls = calls(callers[0], callers[1], callers[2])
        async let call: Void = put(calls)
        callers[2].isConnected.set(true)
        try await call
        #expect(callers.map(\.methods) == [[], [], ["Put"]])
    }

    @Test func failedMemberIsCalledAgainWhileTheOtherConnects() async throws {
        let slow = well()
        slow.isConnected.set(false)
        let failing = failing(1, Self.noLeader)
        let calls = calls(failing, slow)
        try await range(calls)
        #expect(failing.methods == ["Range", "Range"])
        #expect(slow.methods.isEmpty)
    }

    @Test func singleMemberIsCalledWhileItConnects() async throws {
        let slow = well()
        slow.isConnected.set(false)
        try await range(calls(slow))
        #expect(slow.methods == ["Range"], "the transport waits for the connection")
    }

    @Test func singleMemberIsRetried() async throws {
        let caller = failing(3, Self.down)
        try await range(calls(caller))
        #expect(caller.methods.count == 4)
    }

    @Test func unreachableMemberFailsTheCallInTime() async throws {
        let caller = ScriptedCaller.always(.failure(Self.down))
        let start = ContinuousClock.now
        let calls = calls(caller, timeout: .seconds(8))
        let failure = await expectFailure { try await range(calls) }
        #expect(failure?.code == .unavailable)
        #expect(failure?.message == "etcd at http://m0:2379: Range: connection refused")
        #expect(start.duration(to: .now) < .seconds(20))
        #expect(caller.methods.count > 1)
    }

    @Test(arguments: [
        RPCError(code: .invalidArgument, message: "etcdserver: key is not provided"),
        RPCError(code: .permissionDenied, message: "etcdserver: permission denied"),
        RPCError(code: .resourceExhausted, message: "etcdserver: mvcc: database space exceeded"),
        RPCError(code: .resourceExhausted, message: "the message takes 100 bytes where 10 are allowed"),
        RPCError(code: .outOfRange, message: "etcdserver: mvcc: required revision has been compacted"),
        RPCError(code: .internalError, message: "oops"),
    ])
    func permanentErrorsAreNotRetried(error: RPCError) async {
        let caller = ScriptedCaller.always(.failure(error))
        let calls = calls(caller, well())
        let failure = await expectFailure { try await range(calls) }
        #expect(failure?.code.isTransient == false)
        #expect(caller.methods.count == 1)
    }

    // MARK: - Endpoints that are not etcd

    private static let unimplemented = RPCError(code: .unimplemented, message: "unknown method")

    @Test func unimplementedFailsOverToTheNextEndpoint() async throws {
        for call in [range, put] {
            let stranger = ScriptedCaller.always(.failure(Self.unimplemented))
            let etcd = well()
            let calls = calls(stranger, etcd, timeStands: true)
            for _ in 0..<3 { try await call(calls) }
            #expect(stranger.methods.count == 1, "it is avoided for a while")
            #expect(etcd.methods.count == 3)
        }
    }

    @Test func unimplementedByAllEndpointsFailsAtOnceWithARemedy() async throws {
        let strangers = (0..<3).map { _ in ScriptedCaller.always(.failure(Self.unimplemented)) }
        let calls = calls(strangers[0], strangers[1], strangers[2], timeStands: true)
        let failure = await expectFailure(.unsupported) { try await range(calls) }
        #expect(strangers.map(\.methods.count) == [1, 1, 1])
        #expect(failure?.message.hasPrefix("etcd at http://m") == true)
        #expect(failure?.message.contains("correct the endpoint") == true)
    }

    @Test func unimplementedByOneEndpointDoesNotEndTheWaitForTheOther() async throws {
        let stranger = ScriptedCaller.always(.failure(Self.unimplemented))
        let restarting = failing(2, Self.down)
        try await range(calls(stranger, restarting))
        #expect(restarting.methods.count == 3)
    }

    // MARK: - Requests that pass later

    @Test func tooManyRequestsIsRetried() async throws {
        let caller = failing(2, RPCError(code: .resourceExhausted, message: "etcdserver: too many requests"))
        try await put(calls(caller))
        #expect(caller.methods.count == 3)
    }

    @Test func cancelledCallIsNotRetried() async throws {
        let caller = ScriptedCaller { _ in
            withUnsafeCurrentTask { $0?.cancel() }
            throw Self.down
        }
        let calls = calls(caller)
        let task = Task { try await range(calls) }
        _ = await task.result
        #expect(caller.methods.count == 1)
    }

    // MARK: - Time

    @Test func repeatableCallGivesAMemberHalfOfTheTimeout() async throws {
        let caller = well()
        try await range(calls(caller, well()))
        let timeout = try #require(caller.calls.value.first?.timeout)
        #expect(timeout <= .seconds(200))
        #expect(timeout > .seconds(190))
    }

    @Test func singleMemberOrWriteGetsTheWholeTimeout() async throws {
        for callers in [[well()], [well(), well()]] {
            let calls = callers.count == 1 ? calls(callers[0]) : calls(callers[0], callers[1])
            if callers.count == 1 { try await range(calls) } else { try await put(calls) }
            let timeout = try #require(callers[0].calls.value.first?.timeout)
            #expect(timeout <= .seconds(400))
            #expect(timeout > .seconds(390))
        }
    }

    @Test func callMayHaveItsOwnTimeout() async throws {
        let caller = well()
        _ = try await calls(caller).unary(EtcdMethods.range, WireRangeRequest(), timeout: .seconds(3600))
        #expect(try #require(caller.calls.value.first?.timeout) > .seconds(3000))
    }

    // MARK: - Metadata and tokens

    private static let ada = EtcdConfig.Credentials(username: "ada", password: "secret")

    /// A member that knows one token at a time.
    private final class Guarded: Sendable {
        let valid = Watched("token 1")
        let authentications = Watched(0)

        func caller() -> ScriptedCaller {
            ScriptedCaller { [valid, authentications] call in
                if let request = call.request as? WireAuthenticateRequest {
                    guard request.name == "ada", request.password == "secret" else {
                        throw RPCError(
                            code: .invalidArgument,
                            message: "etcdserver: authentication failed, invalid user ID or password"
                        )
                    }
                    authentications.update { $0 += 1 }
                    return WireAuthenticateResponse.with { $0.token = valid.value }
                }
                guard call.token == valid.value else {
                    throw RPCError(code: .unauthenticated, message: "etcdserver: invalid auth token")
                }
                return call.method == "Put" ? WirePutResponse() : WireRangeResponse()
            }
        }
    }

    @Test func requestsCarryHasleaderExceptStatus() async throws {
        let caller = well()
        let calls = calls(caller)
        try await range(calls)
        _ = try await calls.unary(EtcdMethods.status, WireStatusRequest())
        let leaders = caller.calls.value.map { Array($0.metadata[stringValues: "hasleader"]) }
        #expect(leaders == [["true"], []])
        #expect(caller.calls.value.allSatisfy { $0.token == nil })
    }

    @Test func callsCarryTheToken() async throws {
        let guarded = Guarded()
        let caller = guarded.caller()
        let calls = calls(caller, credentials: Self.ada)
        for _ in 0..<3 { try await put(calls) }
        #expect(caller.methods == ["Authenticate", "Put", "Put", "Put"])
        #expect(caller.calls.value.first?.token == nil)
    }

    @Test func refusedTokenIsRenewedOnceForConcurrentCalls() async throws {
        let guarded = Guarded()
        let calls = calls(guarded.caller(), credentials: Self.ada)
        try await range(calls)
        guarded.valid.set("token 2")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { try await put(calls) } }
            try await group.waitForAll()
        }
        #expect(guarded.authentications.value == 2)
    }

    @Test func refusedTokenIsRenewedForACallToOneMember() async throws {
        let guarded = Guarded()
        let calls = calls(guarded.caller(), credentials: Self.ada)
        try await range(calls)
        guarded.valid.set("token 2")
        let endpoint = EtcdEndpoint(host: "m0")
        _ = try await calls.unary(EtcdMethods.range, WireRangeRequest(), on: endpoint)
        #expect(guarded.authentications.value == 2)
    }

    @Test func tokenRenewalIsBounded() async throws {
        let caller = ScriptedCaller { call in
            if call.method == "Authenticate" { return WireAuthenticateResponse.with { $0.token = "token" } }
            throw RPCError(code: .unauthenticated, message: "etcdserver: invalid auth token")
        }
        let calls = calls(caller, credentials: Self.ada)
        await expectFailure(.unauthenticated) { try await range(calls) }
        #expect(caller.methods.count(where: { $0 == "Range" }) == 3)
    }

    @Test func wrongPasswordIsTriedOnce() async throws {
        let caller = Guarded().caller()
        let calls = calls(caller, well(), credentials: EtcdConfig.Credentials(username: "ada", password: "wrong"))
        let failure = await expectFailure { try await range(calls) }
        #expect(failure?.code == .unauthenticated)
        #expect(failure?.message.contains("Authenticate as \"ada\"") == true)
        #expect(failure?.message.contains("wrong") == false)
        #expect(caller.methods == ["Authenticate"])
    }

    @Test func tokenFetchFailsOver() async throws {
        let bad = ScriptedCaller.always(.failure(Self.down))
        let good = Guarded().caller()
        try await put(calls(bad, good, credentials: Self.ada, timeStands: true))
        #expect(bad.methods == ["Authenticate"])
        #expect(good.methods == ["Authenticate", "Put"])
    }

    @Test func hangingTokenFetchEndsAtTheTimeout() async throws {
        let hanging = ScriptedCaller { _ in
            try await Promise<any Message>().value()
        }
        let calls = calls(hanging, credentials: Self.ada, timeout: .milliseconds(200))
        let start = ContinuousClock.now
        await expectFailure(.timeout) { try await range(calls) }
        #expect(start.duration(to: .now) < .seconds(20))
    }

    @Test func noTokenIsSentWithoutAuthentication() async throws {
        let caller = ScriptedCaller { call in
            guard call.method == "Authenticate" else { return WireRangeResponse() }
            throw RPCError(code: .failedPrecondition, message: "etcdserver: authentication is not enabled")
        }
        let calls = calls(caller, credentials: Self.ada)
        for _ in 0..<2 { try await range(calls) }
        #expect(caller.methods == ["Authenticate", "Range", "Range"])
        #expect(caller.calls.value.allSatisfy { $0.token == nil })
    }

    // MARK: - One member

    @Test func callToOneMemberIsNotRetried() async throws {
        let bad = ScriptedCaller.always(.failure(Self.down))
        let calls = calls(well(), bad)
        let endpoint = EtcdEndpoint(host: "m1")
        let failure = await expectFailure {
            _ = try await calls.unary(EtcdMethods.status, WireStatusRequest(), on: endpoint)
        }
        #expect(failure?.code == .unavailable)
        #expect(failure?.message.contains("http://m1:2379: Status") == true)
        #expect(bad.methods == ["Status"])
    }

    @Test func callToAnUnknownEndpointIsRefused() async throws {
        let calls = calls(well(), well())
        let failure = await expectFailure {
            _ = try await calls.unary(EtcdMethods.status, WireStatusRequest(), on: EtcdEndpoint(host: "stranger"))
        }
        #expect(failure?.code == .invalidArgument)
        #expect(failure?.message.contains("http://stranger:2379") == true)
        #expect(failure?.message.contains("http://m0:2379, http://m1:2379") == true)
    }

    // MARK: - The end

    @Test func callsAfterCloseFailWithClosed() async throws {
        let caller = well()
        let calls = calls(caller)
        calls.close()
        await expectFailure(.closed) { try await range(calls) }
        await expectFailure(.closed) {
            _ = try await calls.unary(EtcdMethods.status, WireStatusRequest(), on: EtcdEndpoint(host: "m0"))
        }
        await expectFailure(.closed) {
            _ = try await calls.stream(
                EtcdMethods.watch, produce: { _ in }, consume: { _ in }, answerDeadline: { nil },
                answersChanged: Signal())
        }
        #expect(caller.methods.isEmpty)
    }

    @Test func callThatFailsDuringCloseFailsWithClosed() async throws {
        let isOver = Promise<Void>()
        let caller = ScriptedCaller { _ in
            try await isOver.value()
            throw RPCError(code: .cancelled, message: "the connection was closed")
        }
        let calls = calls(caller)
        async let failure = expectFailure(.closed) { try await range(calls) }
        _ = await caller.calls.first { !$0.isEmpty }
        calls.close()
        isOver.resolve(.success(()))
        _ = await failure
    }
}
