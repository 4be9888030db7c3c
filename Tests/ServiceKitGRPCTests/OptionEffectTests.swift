import Foundation
import GRPCCore
import ServiceKit
import ServiceKitConcurrency
import ServiceKitConfig
import ServiceKitTesting
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// Options from YAML, and their effect on the wire between an App's server and a channel.
@Suite(.bothPaths, .timeLimit(.minutes(3)))
struct OptionEffectTests {
    /// A server and a channel, each with its options, and the relay between them.
    struct Wire {
        let relay: FrameRelay
        let client: TestClient
        let server: Endpoint
    }

    /// Runs a body with a server, a relay and a client.
    ///
    /// - Parameters:
    ///   - server: Options of `server.grpc`, as a YAML flow mapping.
    ///   - client: Options of `client`, in the same form.
    ///   - handlers: The server's methods beside `Echo` and `Name`.
    ///   - passes: Whether the relay passes a frame on.
    private func withWire(
        server: String = "{}",
        client: String = "{}",
        _ handlers: [String: TestService.Handler] = [:],
        passes: @escaping @Sendable (FrameRelay.Seen) -> Bool = { _ in true },
        _ body: (Wire) async throws -> Void
    ) async throws {
        let (registry, log) = (MemoryRegistry(), LogRecorder())
        let app = try App(
            configuration: Configuration(
                yaml: "app: {name: test}\nshutdown: {lame-duck: 0, drain-timeout: 0}\nserver: {grpc: \(server)}"),
            registry: registry,
            logger: log.logger(),
            environment: [:]
        )
        let service = TestService(id: "a", handlers)
        app.serve(service, descriptors: []) { $0 = service.methods }
        try await serving(app, log: log) {
            let instance = try await registry.instances(of: "test").first { _ in true }
            let endpoint = try #require(instance?.endpoints.first)
            let relay = try FrameRelay(to: endpoint, passes: passes)
            defer { relay.stop() }
            let client = try Self.client(of: relay, client, log)
            try await body(Wire(relay: relay, client: client, server: endpoint))
            await client.shutDown()
        }
    }

    private static func client(of relay: FrameRelay, _ options: String, _ log: LogRecorder) throws -> TestClient {
        let yaml = """
            registry: {backend: static, static: {services: {test: ["\(relay.endpoint)"]}}}
            client: \(options)
            """
        return TestClient(
            try ServiceChannel(to: "test", configuration: Configuration(yaml: yaml), logger: log.logger()))
    }

    /// The method `Hold`, which waits at a gate.
    private static func hold(_ gate: Gate) -> [String: TestService.Handler] {
        ["Hold": TestService.text("held", behind: gate)]
    }

    // MARK: - Connections of a server

    @Test func maxConnectionAgeSendsGoAway() async throws {
        // Long enough for a call on a busy machine.
        try await withWire(server: "{max-connection-age: 1s}") { wire in
            _ = try await wire.client.text()
            #expect(await wire.relay.first(.goAway, from: .server) != nil)
            // The client has made another connection, and its calls go on.
            _ = await wire.relay.connections.first { $0 >= 2 }
            #expect(try await wire.client.text() == "a")
        }
    }

    @Test func maxConnectionAgeGraceEndsACallThatIsStillOpen() async throws {
        let gate = Gate()
        let server = "{max-connection-age: 50ms, max-connection-age-grace: 50ms}"
        try await withWire(server: server, client: "{retry: {attempts: 1}}", Self.hold(gate)) { wire in
            #expect(await wire.client.failure("Hold")?.code == .unavailable)
            gate.open()
        }
    }

    @Test func maxConnectionIdleSendsGoAway() async throws {
        // Long enough for a call on a busy machine.
        try await withWire(server: "{max-connection-idle: 1s}") { wire in
            var patient = CallOptions.defaults
            patient.waitForReady = true
            _ = try await wire.client.text(options: patient)
            #expect(await wire.relay.first(.goAway, from: .server) != nil)
        }
    }

    @Test func maxConnectionsClosesAFurtherConnection() async throws {
        try await withWire(server: "{max-connections: 1}") { wire in
            _ = try await wire.client.text()
            let further = try RawSocket.connect(to: wire.server.port)
            #expect(await read(further) == nil)
        }
    }

    @Test func handshakeTimeoutClosesAConnectionThatSaysNothing() async throws {
        try await withWire(server: "{handshake-timeout: 50ms}") { wire in
            let silent = try RawSocket.connect(to: wire.server.port)
            var bytes: [UInt8]? = []
            // The server's own settings come first, then the end.
            while bytes != nil { bytes = await read(silent) }
        }
    }

    /// Reads a byte; `nil` at the end. It blocks a thread outside of Swift's pool.
    private func read(_ socket: RawSocket) async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let bytes = socket.read(1)
                if bytes == nil { socket.close() }
                continuation.resume(returning: bytes)
            }
        }
    }

    // MARK: - Keep-alive

    @Test func keepaliveTimeOfAServerPingsASilentClient() async throws {
        try await withWire(server: "{keepalive: {time: 50ms}}") { wire in
            _ = try await wire.client.text()
            #expect(await wire.relay.first(.ping, from: .server) { !$0.isFlagged } != nil)
        }
    }

    @Test func keepaliveTimeoutOfAServerClosesTheConnectionOfAClientThatDoesNotAnswer() async throws {
        try await withWire(server: "{keepalive: {time: 50ms, timeout: 50ms}}") {
            $0.frame.kind != .ping
        } _: { wire in
            _ = await wire.relay.connections.first { $0 >= 2 }
        }
    }

    @Test func keepaliveTimeOfAClientPingsASilentServer() async throws {
        let client = "{keepalive: {time: 50ms, allow-without-calls: true}}"
        let server = "{keepalive: {min-ping-interval: 0, allow-pings-without-calls: true}}"
        try await withWire(server: server, client: client) { wire in
            _ = try await wire.client.text()
            #expect(await wire.relay.first(.ping, from: .client) { !$0.isFlagged } != nil)
        }
    }

    @Test func keepaliveTimeoutOfAClientLeavesAServerThatDoesNotAnswer() async throws {
        let client = "{keepalive: {time: 50ms, timeout: 50ms, allow-without-calls: true}}"
        try await withWire(client: client) {
            $0.frame.kind != .ping
        } _: { wire in
            _ = await wire.relay.connections.first { $0 >= 2 }
        }
    }

    @Test func minPingIntervalDisconnectsAClientThatPingsMoreOften() async throws {
        let client = "{keepalive: {time: 20ms, allow-without-calls: true}}"
        let server = "{keepalive: {min-ping-interval: 1h, allow-pings-without-calls: true}}"
        try await withWire(server: server, client: client) { wire in
            _ = try await wire.client.text()
            let goAway = await wire.relay.first(.goAway, from: .server)
            #expect(goAway.map { String(decoding: $0.payload.dropFirst(8), as: UTF8.self) } == "too_many_pings")
        }
    }

    // MARK: - Compression

    /// Whether a side has sent a compressed message: the first byte of a message tells.
    private static func isCompressed(_ frame: RawFrame) -> Bool { frame.payload.first == 1 }

    @Test(arguments: ["gzip", "deflate"])
    func compressionOfAClientCompressesRequests(_ algorithm: String) async throws {
        try await withWire(client: "{compression: {algorithm: \(algorithm)}}") { wire in
            let message = [UInt8](repeating: 7, count: 2000)
            let answer = try await wire.client.echo([message])
            #expect(answer == [message])
            #expect(await wire.relay.first(.data, from: .client, where: Self.isCompressed) != nil)
            #expect(await wire.relay.first(.data, from: .server) { $0.payload.first == 0 } != nil)
        }
    }

    @Test func compressionOfAServerCompressesResponses() async throws {
        try await withWire(server: "{compression: {algorithm: gzip}}") { wire in
            let message = [UInt8](repeating: 7, count: 2000)
            let answer = try await wire.client.echo([message])
            #expect(answer == [message])
            #expect(await wire.relay.first(.data, from: .server, where: Self.isCompressed) != nil)
        }
    }

    @Test func acceptOfAServerRefusesOtherCompression() async throws {
        let server = "{compression: {accept: [deflate]}}"
        try await withWire(server: server, client: "{compression: {algorithm: gzip}}") { wire in
            #expect(await wire.client.failure("Name", [UInt8](repeating: 7, count: 2000))?.code == .unimplemented)
        }
    }

    // MARK: - Connections of a channel

    @Test func maxConnectionsPerNodeBoundsTheConnectionsToOneInstance() async throws {
        let gate = Gate()
        let client = "{max-connections-per-node: 3}"
        try await withWire(server: "{max-concurrent-calls: 1}", client: client, Self.hold(gate)) { wire in
            await withTaskGroup(of: RPCError?.self) { group in
                for number in 1...3 {
                    group.addTask { await wire.client.failure("Hold") }
                    await gate.waitForArrivals(number)
                }
                // The fourth call waits for one of the three.
                group.addTask { await wire.client.failure("Hold") }
                #expect(wire.relay.connections.value == 3)
                gate.open()
                for await failure in group { #expect(failure == nil) }
            }
            #expect(wire.relay.connections.value == 3)
        }
    }

    @Test func maxConnectionIdleClosesTheConnectionsBeyondTheFirst() async throws {
        let gate = Gate()
        let client = "{max-connections-per-node: 2, max-connection-idle: 50ms}"
        try await withWire(server: "{max-concurrent-calls: 1}", client: client, Self.hold(gate)) { wire in
            await withTaskGroup(of: RPCError?.self) { group in
                for number in 1...2 {
                    group.addTask { await wire.client.failure("Hold") }
                    await gate.waitForArrivals(number)
                }
                #expect(wire.relay.openConnections.value == 2)
                gate.open()
                for await failure in group { #expect(failure == nil) }
            }
            _ = await wire.relay.openConnections.first { $0 == 1 }
        }
    }

    @Test func maxQueuedCallsFailsACallThatFindsNoPlaceToWait() async throws {
        let gate = Gate()
        let client = "{max-connections-per-node: 1, max-queued-calls: 1, retry: {attempts: 1}, ready-timeout: 0}"
        try await withWire(server: "{max-concurrent-calls: 1}", client: client, Self.hold(gate)) { wire in
            // This call waits for the connection regardless of the options.
            var patient = CallOptions.defaults
            patient.waitForReady = true
            _ = try await wire.client.text(options: patient)
            await withTaskGroup(of: RPCError?.self) { group in
                group.addTask { await wire.client.failure("Hold") }
                await gate.waitForArrivals()
                // One of two calls waits, and there is no place for the other.
                for _ in 1...2 { group.addTask { await wire.client.failure("Hold") } }
                #expect(await group.next()??.code == .unavailable)
                gate.open()
                for await failure in group { #expect(failure == nil) }
            }
        }
    }

    @Test func connectTimeoutGivesAnAttemptUpAndBackoffBoundsTheWaitForTheNext() async throws {
        let log = LogRecorder()
        let relay = try FrameRelay(to: nil)
        defer { relay.stop() }
        let client = try Self.client(
            of: relay, "{connect-timeout: 50ms, backoff: {initial: 1ms, max: 1ms}}", log)
        _ = await relay.connections.first { $0 >= 5 }
        await client.shutDown()
    }

    // MARK: - Limits

    @Test func windowsAndHeaderListsAreInTheSettingsOfBothSides() async throws {
        let limits = "limits: {stream-window: 70000, connection-window: 80000, max-header-list: 3KiB}"
        try await withWire(server: "{max-concurrent-calls: 5, \(limits)}", client: "{\(limits)}") { wire in
            _ = try await wire.client.text()
            for side in [FrameRelay.Side.server, .client] {
                let settings = await wire.relay.first(.settings, from: side) { !$0.isFlagged }?.settings
                // RFC 9113, section 6.5.2.
                #expect(settings?[0x03] == (side == .server ? 5 : nil))
                #expect(settings?[0x04] == 70_000)
                #expect(settings?[0x06] == 3072)
                let update = await wire.relay.first(.windowUpdate, from: side) { $0.stream == 0 }
                let increment = UInt32(80_000 - 65_535)
                #expect(update.map { RawFrame.number($0.payload[...]) } == increment)
            }
        }
    }

    @Test(arguments: [
        ("{limits: {max-message: 100}}", "{}"), ("{}", "{limits: {max-message: 100}}"),
        ("{}", "{limits: {max-send-message: 100}}"), ("{limits: {max-send-message: 100}}", "{}"),
    ])
    func aMessageBeyondItsLimitEndsTheCall(_ server: String, _ client: String) async throws {
        try await withWire(server: server, client: client) { wire in
            let error = await #expect(throws: RPCError.self) {
                _ = try await wire.client.echo([[UInt8](repeating: 7, count: 101)])
            }
            #expect(error?.code == .resourceExhausted)
            let answer = try await wire.client.echo([[UInt8](repeating: 7, count: 99)])
            #expect(answer.count == 1)
        }
    }

    @Test func moreHeaderFieldsThanTheLimitEndTheCall() async throws {
        try await withWire(server: "{limits: {max-header-fields: 20}}") { wire in
            var metadata = Metadata()
            for number in 0..<20 { metadata.addString("x", forKey: "x-\(number)") }
            let error = await #expect(throws: RPCError.self) { _ = try await wire.client.text(metadata: metadata) }
            #expect(error?.code == .resourceExhausted)
        }
    }
}
