import GRPCCore
import NIOCore
import NIOPosix
import ServiceKitTestSupport
import Synchronization
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The states that a `ClientConnection` went through.
final class StateRecorder: Sendable {
    private let states = Mutex<[ClientConnection.State]>([])

    func record(_ state: ClientConnection.State) {
        states.withLock { $0.append(state) }
    }

    var names: [String] {
        states.withLock { $0.map(Self.name) }
    }

    var lastFailure: RPCError? {
        self.states.withLock { states in
            states.reversed().lazy.compactMap { if case .transientFailure(let error) = $0 { error } else { nil } }.first
        }
    }

    private static func name(_ state: ClientConnection.State) -> String {
        switch state {
        case .idle: "idle"
        case .connecting: "connecting"
        case .ready: "ready"
        case .transientFailure: "failed"
        case .shutdown: "shutdown"
        }
    }
}

/// Runs a connection, and shuts it down gracefully afterwards.
func withClientConnection<Result: Sendable>(
    _ address: TransportAddress,
    config: ClientTransportConfig = .defaults,
    eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
    recorder: StateRecorder = StateRecorder(),
    untilReady: Bool = true,
    _ body: @Sendable (ClientConnection) async throws -> Result
) async throws -> Result {
    let connection = ClientConnection(address: address, config: config, eventLoopGroup: eventLoopGroup) {
        recorder.record($0)
    }
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await connection.run() }
        if untilReady {
            try await eventually { connection.isReady }
        }
        let result = try await body(connection)
        connection.beginGracefulShutdown()
        try await group.waitForAll()
        return result
    }
}

extension ClientConnection {
    /// A unary call, read to its end.
    func call(_ method: String, _ message: [UInt8]) async throws -> [RPCResponsePart<[UInt8]>] {
        let stream = try makeStream(descriptor: RawService.method(method))
        defer { stream.cancel() }
        try await stream.write(.metadata([:]))
        // The write fails if the server has answered already; only the answer counts.
        try? await stream.write(.message(message))
        stream.finish()
        var parts: [RPCResponsePart<[UInt8]>] = []
        while let part = try await stream.next() {
            parts.append(part)
        }
        return parts
    }
}

extension RPCError {
    /// Whether the call was certainly not processed.
    var isNotProcessed: Bool {
        code == .unavailable && cause is CallNotProcessed
    }
}
