import GRPCCore
import NIOPosix
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Dead peers, peers that ping too often, and connections that reach their maximum age.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct KeepaliveTests {
    private static let hang: RawHandler = { _, _ in
        try await untilCancelled()
        return StreamingServerResponse(of: [UInt8].self) { _ in [:] }
    }

    private static func client(_ configure: (inout ClientTransportConfig) -> Void = { _ in }) -> ClientTransportConfig {
        ClientTransportConfig.defaults {
            $0.backoff.initial = .milliseconds(1)
            $0.backoff.max = .milliseconds(5)
            configure(&$0)
        }
    }

    private static func server(
        _ configure: (inout Nghttp2ServerTransport.Config) -> Void
    ) -> Nghttp2ServerTransport.Config {
        .defaults(configure: configure)
    }

    @Test func deadServerFailsTheCall() async throws {
        let config = Self.client {
            $0.keepalive.time = .milliseconds(20)
            $0.keepalive.timeout = .milliseconds(20)
        }
        try await RawHTTP2Server.run(onStream: { _, _ in }) { server in
            try await withClientConnection(server.address, config: config) { connection in
                try await server.accepted.stopReading()
                let error = await #expect(throws: RPCError.self) { try await connection.call("Any", [1]) }
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("keep-alive") == true)
                try await eventually { server.accepted.count == 2 && connection.isReady }
            }
        }
    }

    @Test func deadClientIsDisconnected() async throws {
        let config = Self.server {
            $0.keepalive.time = .milliseconds(20)
            $0.keepalive.timeout = .milliseconds(20)
        }
        let log = LogRecorder()
        try await withSecureServer(.plaintext, ["Hang": Self.hang], config: config, logger: log.logger()) {
            _, address in
            // The peer answers no ping.
            let received = try await Frames.exchange(
                address, Frames.preface + Frames.settings + Frames.request(stream: 1, method: "Hang")
            ) { _ in false }
            #expect(Frames.summary(received).count { $0.type == 6 && $0.flags == 0 } == 1)
        }
        #expect(log.lines.contains { $0.metadata["reason"]?.contains("keep-alive") == true })
    }

    @Test func tooManyPingsEndTheConnection() async throws {
        let log = LogRecorder()
        let config = Self.client { $0.keepalive.time = .milliseconds(5) }
        try await withSecureServer(.plaintext, ["Hang": Self.hang], logger: log.logger()) { _, address in
            try await withClientConnection(address, config: config) { connection in
                let error = await #expect(throws: RPCError.self) { try await connection.call("Hang", [1]) }
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("too_many_pings") == true)
                try await eventually { connection.isReady }
            }
        }
        #expect(log.warnings.map { $0.metadata["limit"] } == ["min-ping-interval"])
    }

    @Test func tooManyPingsDoubleTheKeepaliveTime() throws {
        let config = Self.client { $0.keepalive.time = .seconds(10) }
        var machine = ClientStateMachine(address: .anyPort, options: HTTP2Client.Options(config))
        let http2 = HTTP2Connection(
            config: .test(role: .client(maxQueuedRequests: 1), limits: .defaults),
            scheduler: LoopScheduler(loop: MultiThreadedEventLoopGroup.singleton.next()),
            delegate: RawDelegate()
        )
        _ = machine.handle(.tooManyPings, of: http2)
        #expect(machine.keepaliveTime == .seconds(20))
        _ = machine.handle(.tooManyPings, of: http2)
        #expect(machine.keepaliveTime == .seconds(40))
    }

    @Test func idleConnectionIsClosedGracefully() async throws {
        let recorder = StateRecorder()
        let config = Self.server { $0.maxConnectionIdle = .milliseconds(5) }
        try await withServer(["Echo": RawService.echo], config: config) { _, address in
            try await withClientConnection(address, config: Self.client(), recorder: recorder) { _ in
                try await eventually { recorder.names.count { $0 == "ready" } >= 2 }
            }
        }
        #expect(!recorder.names.contains("failed"))
    }

    /// Makes a call that the server has taken. If the connection has just reached its age, the call is made again.
    private static func begin(_ method: String, _ connection: ClientConnection) async throws -> ClientStream {
        while true {
            do {
                let call = try connection.makeStream(descriptor: RawService.method(method))
                try await call.write(.metadata([:]))
                guard case .metadata? = try await call.next() else {
                    throw RPCError(code: .internalError, message: "no metadata")
                }
                return call
            } catch let error as RPCError where error.isNotProcessed {
                try await eventually { connection.isReady }
            }
        }
    }

    @Test func callOutlivesTheMaximumAgeOfItsConnection() async throws {
        let recorder = StateRecorder()
        // Old enough for a call to be made while the connection still takes calls.
        let config = Self.server { $0.maxConnectionAge = .milliseconds(500) }
        try await withServer(["Echo": RawService.echoEach], config: config) { _, address in
            try await withClientConnection(address, config: Self.client(), recorder: recorder) { connection in
                let call = try await Self.begin("Echo", connection)
                // The next connection does not affect the connection of the call.
                let connections = recorder.names.count { $0 == "ready" }
                try await eventually { recorder.names.count { $0 == "ready" } > connections }
                try await call.write(.message([7]))
                guard case .message([7])? = try await call.next() else {
                    Issue.record("no message")
                    return
                }
                call.finish()
                guard case .status(let status, _)? = try await call.next() else {
                    Issue.record("no status")
                    return
                }
                #expect(status.code == .ok)
            }
        }
    }

    @Test func callThatOutlivesTheGraceFails() async throws {
        let log = LogRecorder()
        let config = Self.server {
            $0.maxConnectionAge = .milliseconds(50)
            $0.maxConnectionAgeGrace = .milliseconds(5)
        }
        try await withSecureServer(.plaintext, ["Hang": Self.hang], config: config, logger: log.logger()) {
            _, address in
            try await withClientConnection(address, config: Self.client()) { connection in
                let error = await #expect(throws: RPCError.self) { try await connection.call("Hang", [1]) }
                #expect(error?.code == .unavailable)
                try await eventually { log.lines.contains { $0.metadata["reason"]?.contains("maximum age") == true } }
            }
        }
    }
}
