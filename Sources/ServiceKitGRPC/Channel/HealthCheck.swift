internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit
internal import ServiceKitConcurrency
private import SwiftProtobuf
private import Synchronization

/// Asks a server, over its connection, whether it serves: gRPC's client-side health checking
/// (https://github.com/grpc/proposal/blob/master/A17-client-side-health-checking.md).
///
/// While the connection is ready, a call of `grpc.health.v1.Health/Watch` is open on it. The pool of nodes is told of the
/// connection as if it was ready only while the server says `SERVING`:
///
/// | connection | the server's last word | told |
/// |---|---|---|
/// | ready | none yet | connecting |
/// | ready | `SERVING`, or it has no health service | ready |
/// | ready | another one, or the call has ended | transient failure |
/// | any other state | | that state |
///
/// A call that has ended is made again after a pause, which grows up to ten seconds.
final class HealthCheck: Sendable {
    private enum Health {
        case unknown
        case serving
        case failing(RPCError)
    }

    private struct State {
        var connection = ClientConnection.State.idle
        var health = Health.unknown
        /// Counts the times that the connection became ready: a word from an earlier time is ignored.
        var number = 0

        /// The state that the pool is told.
        var told: ClientConnection.State {
            guard case .ready = connection else { return connection }
            return switch health {
            case .unknown: .connecting
            case .serving: .ready
            case .failing(let error): .transientFailure(error)
            }
        }
    }

    private static let watch = MethodDescriptor(fullyQualifiedService: "grpc.health.v1.Health", method: "Watch")

    private let service: String
    private let answerTimeout: Duration
    private let onStateChange: @Sendable (ClientConnection.State) -> Void
    private let state = Mutex(State())
    /// The number of the connection while it is ready.
    private let ready = Watched<Int?>(nil)

    /// - Parameters:
    ///   - service: The name that the server is asked for; empty for the server as a whole.
    ///   - answerTimeout: How long the server may take to answer for the first time before it counts as not serving.
    ///   - onStateChange: Called for each change of the state as it is to be told, one at a time and in order.
    init(
        service: String,
        answerTimeout: Duration,
        onStateChange: @escaping @Sendable (ClientConnection.State) -> Void
    ) {
        self.service = service
        self.answerTimeout = answerTimeout
        self.onStateChange = onStateChange
    }

    /// Takes a state of the connection.
    func connection(became next: ClientConnection.State) {
        let number = state.withLock { state -> Int? in
            state.connection = next
            state.health = .unknown
            // Under the lock, which keeps the order: the listener calls nothing here.
            onStateChange(state.told)
            guard case .ready = next else { return nil }
            state.number += 1
            return state.number
        }
        ready.set(number)
    }

    private func set(_ health: Health, _ number: Int) {
        state.withLock { state in
            guard state.number == number, case .ready = state.connection else { return }
            if case (.serving, .serving) = (state.health, health) { return }
            state.health = health
            onStateChange(state.told)
        }
    }

    // MARK: - The calls

    /// Runs a connection, and asks its server meanwhile.
    func run(beside connection: ClientConnection) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.run(on: connection) }
            await connection.run()
            group.cancelAll()
        }
    }

    /// Asks the server whenever the connection is ready, until the task is cancelled.
    private func run(on connection: ClientConnection) async {
        while let number = await ready.first(where: { $0 != nil }) ?? nil {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.ask(connection, number) }
                group.addTask { await self.expectAnswer(number) }
                _ = await ready.first { $0 != number }
                group.cancelAll()
            }
            if Task.isCancelled { return }
        }
    }

    private func expectAnswer(_ number: Int) async {
        guard (try? await Task.sleep(for: answerTimeout)) != nil else { return }
        let isUnknown = state.withLock { state in
            if case .unknown = state.health { state.number == number } else { false }
        }
        if isUnknown { set(.failing(Self.failure("does not answer within \(answerTimeout)")), number) }
    }

    private func ask(_ connection: ClientConnection, _ number: Int) async {
        var backoff = Backoff(base: .seconds(1), maximum: .seconds(10))
        while !Task.isCancelled {
            do throws(RPCError) {
                let status = try await follow(connection, number) { backoff.reset() }
                if status.code == .unimplemented { return set(.serving, number) }
                set(.failing(Self.failure("ended with \"\(status.message)\" (code \(status.code))")), number)
            } catch {
                if Task.isCancelled { return }
                set(.failing(Self.failure("failed: \(error.message)")), number)
            }
            guard (try? await Task.sleep(for: backoff.next())) != nil else { return }
        }
    }

    /// Makes one call, and takes its answers.
    ///
    /// - Returns: The status with which it has ended.
    private func follow(
        _ connection: ClientConnection, _ number: Int, onAnswer: () -> Void
    ) async throws(RPCError) -> Status {
        let stream = try connection.makeStream(descriptor: Self.watch)
        defer { stream.cancel() }
        stream.enqueue(.metadata([:]))
        do {
            let request = Grpc_Health_V1_HealthCheckRequest.with { $0.service = service }
            stream.enqueue(.message(try request.serializedBytes()))
        } catch {
            throw RPCError(code: .internalError, message: "the request cannot be written: \(error)")
        }
        stream.finish()
        while let part = try await stream.next() {
            switch part {
            case .metadata: continue
            case .status(let status, _): return status
            case .message(let bytes):
                let response: Grpc_Health_V1_HealthCheckResponse
                do {
                    response = try Grpc_Health_V1_HealthCheckResponse(serializedBytes: bytes)
                } catch {
                    throw RPCError(code: .internalError, message: "the answer cannot be read")
                }
                onAnswer()
                let isServing = response.status == .serving
                set(isServing ? .serving : .failing(Self.failure("says \(response.status.name)")), number)
            }
        }
        throw RPCError(code: .unavailable, message: "the server ended the call without a status")
    }

    private static func failure(_ text: String) -> RPCError {
        RPCError(
            code: .unavailable, message: "the health check of the instance \(text)", cause: CallNotProcessed())
    }
}

extension Grpc_Health_V1_HealthCheckResponse.ServingStatus {
    /// The name that the protocol gives the status.
    fileprivate var name: String {
        switch self {
        case .unknown: "UNKNOWN"
        case .serving: "SERVING"
        case .notServing: "NOT_SERVING"
        case .serviceUnknown: "SERVICE_UNKNOWN"
        case .UNRECOGNIZED(let number): "the unknown status \(number)"
        }
    }
}

/// The health checks of a channel's connections, from their making until they run.
final class HealthChecks: Sendable {
    private let service: String
    private let answerTimeout: Duration
    private let checks = Mutex<[ObjectIdentifier: HealthCheck]>([:])

    init(service: String, answerTimeout: Duration) {
        self.service = service
        self.answerTimeout = answerTimeout
    }

    func makeCheck(_ onStateChange: @escaping @Sendable (ClientConnection.State) -> Void) -> HealthCheck {
        HealthCheck(service: service, answerTimeout: answerTimeout, onStateChange: onStateChange)
    }

    func add(_ check: HealthCheck, of connection: ClientConnection) {
        checks.withLock { $0[ObjectIdentifier(connection)] = check }
    }

    func take(of connection: ClientConnection) -> HealthCheck? {
        checks.withLock { $0.removeValue(forKey: ObjectIdentifier(connection)) }
    }
}
