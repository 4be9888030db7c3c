import GRPCCore
import NIOCore
import NIOPosix
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Connections to a name.
@Suite(.timeLimit(.minutes(1)))
struct NamedConnectionTests {
    private func config(_ lookUp: @escaping NameResolver.LookUp) -> ClientTransportConfig {
        var config = ClientTransportConfig.defaults
        config.resolver = NameResolver(lookUp: lookUp)
        return config
    }

    private func address(_ text: String) throws -> SocketAddress { try SocketAddress(ipAddress: text, port: 0) }

    @Test func everyAddressOfANameIsTried() async throws {
        // Nobody has the first address, and the second refuses.
        let addresses = [try address("::1"), try address("127.0.0.2"), try address("127.0.0.1")]
        try await withServer(["Echo": RawService.echo]) { _, server in
            let name = TransportAddress.dns(host: "server.test", port: server.port ?? 0)
            let config = config { name in name == "server.test" ? addresses : [] }
            try await withClientConnection(name, config: config) { connection in
                let parts = try await connection.call("Echo", [1])
                #expect(parts.count == 3)
            }
        }
    }

    @Test func reconnectingLooksTheNameUpAgain() async throws {
        let lookups = Shared(0)
        let good = try address("127.0.0.1")
        let bad = try address("127.0.0.2")
        try await withServer(["Echo": RawService.echo]) { _, server in
            var config = config { _ in
                lookups.update { $0 += 1 }
                return [lookups.value == 1 ? bad : good]
            }
            config.backoff.initial = .milliseconds(1)
            try await withClientConnection(.dns(host: "server.test", port: server.port ?? 0), config: config) { _ in
                #expect(lookups.value == 2)
            }
        }
    }

    @Test func hangingLookupFailsTheAttemptAtTheConnectTimeout() async throws {
        let gate = ThreadGate()
        defer { gate.open() }
        var config = config { _ in
            gate.pass()
            return []
        }
        config.connectTimeout = .milliseconds(100)
        let recorder = StateRecorder()
        try await withClientConnection(
            .dns(host: "server.test", port: 80), config: config, recorder: recorder, untilReady: false
        ) { _ in
            try await eventually { recorder.lastFailure != nil }
        }
        let error = try #require(recorder.lastFailure)
        #expect(error.isNotProcessed)
        #expect(
            error.message.hasPrefix(
                "cannot connect to dns:server.test:80: the look-up of the name \"server.test\" took longer than 0.1 seconds"
            )
        )
    }

    /// A loop that was held up meets the limits of the look-up and of the attempt at once.
    @Test func hangingLookupIsNamedWhenTheLoopWasHeldUp() async throws {
        let (lookup, loop) = (ThreadGate(), ThreadGate())
        defer { lookup.open() }
        let asked = Shared(false)
        var config = config { _ in
            asked.update { $0 = true }
            lookup.pass()
            return []
        }
        config.connectTimeout = .milliseconds(1)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        group.next().execute { loop.pass() }
        let recorder = StateRecorder()
        try await withClientConnection(
            .dns(host: "server.test", port: 80), config: config, eventLoopGroup: group, recorder: recorder,
            untilReady: false
        ) { _ in
            try await eventually { asked.value }
            let isOver = ContinuousClock.now + .milliseconds(20)
            try await eventually { .now > isOver }
            loop.open()
            try await eventually { recorder.lastFailure != nil }
        }
        #expect(recorder.lastFailure?.message.contains("the look-up of the name \"server.test\" took longer") == true)
        try await group.shutdownGracefully()
    }

    @Test func clientEndsDuringAHangingLookup() async throws {
        let gate = ThreadGate()
        defer { gate.open() }
        let asked = Shared(false)
        let config = config { _ in
            asked.update { $0 = true }
            gate.pass()
            return []
        }
        try await withClientConnection(.dns(host: "server.test", port: 80), config: config, untilReady: false) { _ in
            try await eventually { asked.value }
        }
    }

    @Test func unknownNameIsNamedInTheError() async throws {
        let config = config { name throws(NameLookupError) in throw .failed(name: name, reason: "nobody knows it") }
        let recorder = StateRecorder()
        try await withClientConnection(
            .dns(host: "server.test", port: 80), config: config, recorder: recorder, untilReady: false
        ) { _ in
            try await eventually { recorder.lastFailure != nil }
        }
        #expect(
            recorder.lastFailure?.message
                == "cannot connect to dns:server.test:80: the name \"server.test\" could not be looked up: nobody knows it"
        )
    }

    @Test func serverListensOnAName() async throws {
        var config = Nghttp2ServerTransport.Config.defaults
        let loopback = try address("127.0.0.1")
        config.resolver = NameResolver { name in name == "server.test" ? [loopback] : [] }
        let name = TransportAddress.dns(host: "server.test", port: 0)
        try await withServer(["Echo": RawService.echo], address: name, config: config) { _, address in
            #expect(address.host == "127.0.0.1")
            try await withClientConnection(address) { connection in
                let parts = try await connection.call("Echo", [1])
                #expect(parts.count == 3)
            }
        }
    }

    @Test func unknownNameOfAServerIsNamedInTheError() async {
        var config = Nghttp2ServerTransport.Config.defaults
        config.resolver = NameResolver { name throws(NameLookupError) in
            throw .failed(name: name, reason: "nobody knows it")
        }
        let transport = Nghttp2ServerTransport(address: .dns(host: "server.test", port: 0), config: config)
        let error = await #expect(throws: ServerBindError.self) { try await transport.listen { _, _ in } }
        #expect(
            error?.description
                == "cannot listen on dns:server.test:0: the name \"server.test\" could not be looked up: nobody knows it; "
                + "check the address"
        )
    }
}
