import GRPCCore
import GRPCNghttp2Transport
@testable import ServiceKit
import ServiceKitConfig
import Testing

@testable import ServiceKitGRPC

/// The values that are read from configuration, targets and headers.
@Suite struct OptionsTests {
    // MARK: - Sections

    @Test func anEmptyConfigurationGivesTheDefaults() throws {
        #expect(try ChannelOptions(Configuration()) == ChannelOptions())
        #expect(try Configuration().serverOptions(GRPCServerOptions.self, named: "grpc") == GRPCServerOptions())
    }

    /// Each default of the options equals the transport's, except the longest wait between attempts to connect.
    @Test func defaultsEqualTheTransportsDefaults() {
        let server = GRPCServerOptions().transportConfig
        let client = ChannelOptions().transportConfig
        let (serverDefaults, clientDefaults) = (Nghttp2ServerTransport.Config.defaults, ClientTransportConfig.defaults)
        #expect(server.limits == serverDefaults.limits)
        #expect(server.compression == serverDefaults.compression)
        #expect(server.keepalive == serverDefaults.keepalive)
        #expect(server.handlerExecutor == serverDefaults.handlerExecutor)
        #expect(server.maxConcurrentCallsPerConnection == serverDefaults.maxConcurrentCallsPerConnection)
        #expect(server.maxConnections == serverDefaults.maxConnections)
        #expect(server.maxConnectionIdle == serverDefaults.maxConnectionIdle)
        #expect(server.maxConnectionAge == serverDefaults.maxConnectionAge)
        #expect(server.maxConnectionAgeGrace == serverDefaults.maxConnectionAgeGrace)
        #expect(server.backlog == serverDefaults.backlog)
        #expect(client.limits == clientDefaults.limits)
        #expect(client.compression == clientDefaults.compression)
        #expect(client.keepalive == clientDefaults.keepalive)
        #expect(client.maxConnections == clientDefaults.maxConnections)
        #expect(client.maxConnectionIdle == clientDefaults.maxConnectionIdle)
        #expect(client.maxQueuedCalls == clientDefaults.maxQueuedCalls)
        #expect(client.connectTimeout == clientDefaults.connectTimeout)
        var backoff = clientDefaults.backoff
        backoff.max = .seconds(10)
        #expect(client.backoff == backoff)
    }

    static let yaml = """
        client:
          balancer: round_robin
          ready-timeout: 2s
          settle-timeout: 250ms
          connect-timeout: 3s
          backoff: {initial: 5ms, multiplier: 2.5, max: 9s}
          max-connections-per-node: 7
          max-connection-idle: 8s
          max-queued-calls: 9
          keepalive: {time: 10s, timeout: 11s, allow-without-calls: true}
          compression: {algorithm: gzip, accept: [deflate]}
          limits:
            max-message: 1MiB
            max-send-message: 2MiB
            max-header-list: 3KiB
            max-header-fields: 40
            max-continuation-frames: 5
            write-buffer: 6KiB
            stream-window: 70KiB
            connection-window: 80KiB
            max-buffered: 90KiB
            max-control-frames: 10
            max-resets: 11
            write-timeout: 12s
          retry:
            attempts: 5
            idempotent: [/a.B/, /a.C/D]
            buffer: 1KiB
            burst: 7
          timeouts:
            default: 3s
            methods:
              /a.B/C: 1s
        server:
          grpc:
            listen: 0.0.0.0:9000
            advertise: example.org
            backlog: 2
            handshake-timeout: 3s
            max-connections: 4
            max-concurrent-calls: 5
            max-connection-idle: 6s
            max-connection-age: 7s
            max-connection-age-grace: 8s
            keepalive: {time: null, timeout: 9s, min-ping-interval: 10s, allow-pings-without-calls: true}
            compression: {algorithm: deflate, accept: []}
            limits: {max-message: 2MiB}
            executor: pool
            health: false
            reflection: true
        """

    @Test func everyKeyOfTheClientReachesTheTransport() throws {
        let configuration = try Configuration(yaml: Self.yaml)
        let client = try ChannelOptions(configuration)
        #expect(client.balancer == "round_robin")
        #expect(client.readyTimeout == .seconds(2))
        #expect(client.settleTimeout == .milliseconds(250))
        #expect(client.retry.attempts == 5)
        #expect(client.retry.idempotent == ["/a.B/", "/a.C/D"])
        #expect(client.retry.buffer == .kibibytes(1))
        #expect(client.retry.burst == 7)
        let timeouts = try configuration.decode(Deadlines.Options.self, at: "client.timeouts")
        #expect(timeouts.default == .seconds(3))
        #expect(timeouts.methods == ["/a.B/C": .seconds(1)])

        let transport = client.transportConfig
        #expect(transport.connectTimeout == .seconds(3))
        #expect(transport.backoff.initial == .milliseconds(5))
        #expect(transport.backoff.multiplier == 2.5)
        #expect(transport.backoff.max == .seconds(9))
        #expect(transport.maxConnections == 7)
        #expect(transport.maxConnectionIdle == .seconds(8))
        #expect(transport.maxQueuedCalls == 9)
        #expect(transport.keepalive.time == .seconds(10))
        #expect(transport.keepalive.timeout == .seconds(11))
        #expect(transport.keepalive.allowWithoutCalls)
        #expect(transport.compression.algorithm == .gzip)
        #expect(transport.compression.enabledAlgorithms == [.none, .deflate])
        let limits = transport.limits
        #expect(transport.maxMessageBytes == 1 << 20)
        #expect(transport.maxSendMessageBytes == 2 << 20)
        #expect(limits.maxHeaderListBytes == 3 << 10)
        #expect(limits.maxHeaderFields == 40)
        #expect(limits.maxContinuationFrames == 5)
        #expect(limits.writeBufferBytes == 6 << 10)
        #expect(limits.streamWindowBytes == 70 << 10)
        #expect(limits.connectionWindowBytes == 80 << 10)
        #expect(limits.maxBufferedBytesPerConnection == 90 << 10)
        #expect(limits.maxControlFramesPerSecond == 10)
        #expect(limits.maxResetsPerSecond == 11)
        #expect(limits.writeTimeout == .seconds(12))
    }

    @Test func everyKeyOfTheServerReachesTheTransport() throws {
        let server = try Configuration(yaml: Self.yaml).serverOptions(GRPCServerOptions.self, named: "grpc")
        #expect(server.listen == .tcp(host: "0.0.0.0", port: 9000))
        #expect(!server.health)
        #expect(server.reflection == true)

        let transport = server.transportConfig
        #expect(transport.backlog == 2)
        #expect(transport.limits.handshakeTimeout == .seconds(3))
        #expect(transport.maxMessageBytes == 2 << 20)
        #expect(transport.maxConnections == 4)
        #expect(transport.maxConcurrentCallsPerConnection == 5)
        #expect(transport.maxConnectionIdle == .seconds(6))
        #expect(transport.maxConnectionAge == .seconds(7))
        #expect(transport.maxConnectionAgeGrace == .seconds(8))
        #expect(transport.keepalive.time == nil)
        #expect(transport.keepalive.timeout == .seconds(9))
        #expect(transport.keepalive.minPingInterval == .seconds(10))
        #expect(transport.keepalive.allowPingsWithoutCalls)
        #expect(transport.compression.algorithm == .deflate)
        #expect(transport.compression.enabledAlgorithms == .none)
        #expect(transport.handlerExecutor == .globalPool)
    }

    @Test(arguments: [
        (
            "client: {max-connections-per-node: 0}",
            "1:36: client.max-connections-per-node: expected 1 to 100, found \"0\""
        ),
        (
            "client: {backoff: {multiplier: 0.5}}",
            "1:32: client.backoff.multiplier: expected 1.0 to 10.0, found \"0.5\""
        ),
        (
            "client:\n  limits:\n    stream-window: 3GiB",
            "3:20: client.limits.stream-window: expected 65535 to 2147483647, found \"3GiB\""
        ),
        ("client: {keepalive: {time: 0s}}", "1:28: client.keepalive.time: expected 1ms to 8760h, found \"0s\""),
    ])
    func valueOutOfRangeNamesTheRangeAndTheLine(_ yaml: String, _ error: String) {
        #expect(Self.text { try Self.app(yaml).channel("test") } == "app.yaml:" + error)
    }

    @Test(arguments: [
        ("client: {balanser: p2c}", "app.yaml:1:10: client.balanser: unknown key; did you mean \"balancer\"?"),
        (
            "client: {retry: {attempt: 1}}",
            "app.yaml:1:18: client.retry.attempt: unknown key; did you mean \"attempts\"?"
        ),
    ])
    func unknownClientKeyNamesTheLine(_ yaml: String, _ error: String) {
        #expect(Self.text { try Self.app(yaml).channel("test") } == error)
    }

    @Test func unknownServerKeyNamesTheLine() throws {
        #expect(
            Self.text {
                try Configuration(yaml: "server: {grpc: {lisen: x}}", origin: "app.yaml")
                    .serverOptions(GRPCServerOptions.self, named: "grpc")
            } == "app.yaml:1:17: server.grpc.lisen: unknown key; did you mean \"listen\"?"
        )
    }

    @Test func unreadableCertificateNamesTheLine() {
        let yaml = "client:\n  tls:\n    ca: /nowhere.pem"
        #expect(
            Self.text { try Self.app(yaml).channel("test") }
                == "app.yaml:3:9: client.tls.ca: /nowhere.pem cannot be read: there is no such file"
        )
    }

    @Test func unknownBalancerNamesTheLine() {
        let error =
            "no balancer \"p3c\" is linked into this program; did you mean \"p2c\"? "
            + "There are: consistent_hash, least_request, p2c, prequal, random, round_robin, weighted_round_robin"
        #expect(
            Self.text { try Self.app("client:\n  balancer: p3c").channel("test") }
                == "app.yaml:2:13: client.balancer: \(error)"
        )
        #expect(
            Self.text {
                let yaml = "client:\n  balancer: p3c\nregistry: {backend: memory}"
                _ = try ServiceChannel(to: "test", configuration: Configuration(yaml: yaml, origin: "app.yaml"))
            } == "app.yaml:2:13: client.balancer: \(error)"
        )
        #expect(
            Self.text {
                var options = ChannelOptions()
                options.balancer = "p3c"
                _ = try ServiceChannel(to: "test", discoverer: MemoryRegistry(), options: options)
            } == "client.balancer: \(error)"
        )
    }

    @Test func optionsOfABalancerAreReadFromItsSection() throws {
        let yaml = """
            client:
              balancer: p2c
              balancers:
                p2c: {decay: 1s, latency-floor: 1ms, max-idle: 10s}
                round_robin: {}
            """
        #expect(throws: Never.self) { try Self.app(yaml).channel("test") }
    }

    @Test(arguments: [
        (
            "balancers: {p2c: {decai: 1s}}",
            "app.yaml:2:21: client.balancers.p2c.decai: unknown key; did you mean \"decay\"?"
        ),
        (
            "balancers: {p2c: {max-idle: 0s}}",
            "app.yaml:2:31: client.balancers.p2c.max-idle: expected 1ms to 24h, found \"0s\""
        ),
        (
            "balancers: {p2c: {decay: 2h}}",
            "app.yaml:2:28: client.balancers.p2c.decay: expected 1ms to 1h, found \"2h\""
        ),
        (
            "balancers: {p2c: {latency-floor: 2m}}",
            "app.yaml:2:36: client.balancers.p2c.latency-floor: expected 1us to 1m, found \"2m\""
        ),
        (
            "balancers: {p3c: {}}",
            "app.yaml:2:20: client.balancers.p3c: no balancer \"p3c\" is linked into this program; "
                + "did you mean \"p2c\"? There are: consistent_hash, least_request, p2c, prequal, random, "
                + "round_robin, weighted_round_robin"
        ),
        (
            "balancer: consistent_hash\n  balancers: {consistent_hash: {load-factor: 1}}",
            "app.yaml:3:46: client.balancers.consistent_hash.load-factor: expected 1.05 to 100.0, found \"1\""
        ),
        ("balancers: p2c", "app.yaml:2:14: client.balancers: expected a mapping, found a text of 3 characters"),
        (
            "balancer: round_robin\n  balancers: {round_robin: {decay: 1s}}",
            "app.yaml:3:29: client.balancers.round_robin.decay: unknown key; no keys are known here"
        ),
    ])
    func anErrorInTheOptionsOfABalancerNamesThePlace(_ yaml: String, _ error: String) {
        #expect(Self.text { try Self.app("client:\n  \(yaml)").channel("test") } == error)
    }

    private static func app(_ yaml: String) throws -> App {
        try App(
            configuration: Configuration(yaml: yaml, origin: "app.yaml"),
            registry: MemoryRegistry(),
            environment: [:]
        )
    }

    private static func text(_ body: () throws -> some Any) -> String {
        do {
            _ = try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    // MARK: - Retries

    @Test(arguments: [
        ("/a.B/C", true), ("/a.B/D", false), ("/a.E/F", true), ("/a.E/", true), ("/a.EX/F", false), ("/a.B/CC", false),
    ])
    func idempotentMethodsAreMatchedByPathAndService(_ path: String, _ isIdempotent: Bool) {
        var options = RetryOptions()
        options.idempotent = ["/a.B/C", "/a.E/"]
        #expect(options.isIdempotent(path) == isIdempotent)
    }

    @Test func retryPoliciesDifferByMethod() throws {
        let yaml = """
            client:
              retry:
                idempotent: [/a.B/]
                attempts: 4
                backoff: {initial: 5ms}
                methods:
                  /a.B/: {codes: [UNAVAILABLE, ABORTED]}
                  /a.B/C: {attempts: 2, backoff: {max: 3s}}
            """
        let retry = try ChannelOptions(Configuration(yaml: yaml)).retry
        let (own, service, other) = (
            retry.policy(for: "/a.B/C"), retry.policy(for: "/a.B/D"), retry.policy(for: "/a.E/F")
        )
        #expect(own.attempts == 2 && own.codes == [.unavailable] && own.backoff.max == .seconds(3))
        #expect(service.attempts == 4 && service.codes == [.unavailable, .aborted])
        #expect(service.backoff.initial == .milliseconds(5))
        #expect(own.isIdempotent && service.isIdempotent && !other.isIdempotent)
        let aborted = RPCError(code: .aborted, message: "")
        #expect(service.mayRepeat(aborted, attempts: 3) && !service.mayRepeat(aborted, attempts: 4))
        #expect(!own.mayRepeat(aborted, attempts: 1))
        #expect(!other.mayRepeat(RPCError(code: .unavailable, message: ""), attempts: 1))
    }

    @Test func eachRetryableCodeIsOneOfGRPCs() {
        let names = Set(CallStatus.allCases.map(\.name)).subtracting(["OK"])
        #expect(Set(RetryOptions.Code.allCases.map(\.rawValue)) == names)
    }

    @Test(arguments: [
        ("{codes: [BUSY]}", "codes"),
        ("{methods: {/a.B/C: {attempts: 0}}}", "attempts"),
        ("{methods: {/a.B/C: {attempt: 1}}}", "did you mean"),
        ("{methods: {/a.B/C: {backoff: {multiplier: 0.5}}}}", "multiplier"),
    ])
    func wrongRetryOptionNamesItsKey(_ yaml: String, _ key: String) {
        let error = Self.text { try Self.app("client: {retry: \(yaml)}").channel("test") }
        #expect(error.hasPrefix("app.yaml:1:") && error.contains(key), "\(error)")
    }

    @Test func channelsToAServiceShareOneBudget() throws {
        let budgets = RetryBudgets()
        final class Registry {}
        let (registry, other) = (Registry(), Registry())
        let first = budgets.budget(of: "a", in: registry, burst: 3)
        #expect(budgets.budget(of: "a", in: registry, burst: 3) === first)
        #expect(budgets.budget(of: "b", in: registry, burst: 3) !== first)
        #expect(budgets.budget(of: "a", in: other, burst: 3) !== first)
        let own = budgets.budget(of: "a", in: nil, burst: 1)
        #expect(own !== first && budgets.budget(of: "a", in: nil, burst: 1) === own)
        // The latest word counts, and retries that were made still count.
        #expect(first.takeRetry(at: 1))
        #expect(budgets.budget(of: "a", in: registry, burst: 2) === first)
        #expect(first.takeRetry(at: 1) && !first.takeRetry(at: 1))
    }

    @Test func aBudgetGoesWithItsLastChannel() {
        let budgets = RetryBudgets()
        do {
            let budget = budgets.budget(of: "a", in: nil, burst: 1)
            #expect(budget.takeRetry())
        }
        #expect(budgets.budget(of: "a", in: nil, burst: 1).takeRetry())
    }

    // MARK: - Targets and addresses

    @Test(arguments: [
        ("user-service", nil, "user-service"), ("discovery:///user-service", nil, "user-service"),
        ("etcd:///user.v1", "etcd", "user.v1"),
    ])
    func targetIsReadToRegistryAndService(_ text: String, _ backend: String?, _ service: String) throws {
        let target = try ChannelTarget(text)
        #expect(target.backend == backend)
        #expect(target.service == service)
    }

    @Test(arguments: ["", "discovery:///", "http://host:80", "a b", "etcd:///a/b", "discovery://host/a", ".a"])
    func invalidTargetIsRefused(_ text: String) {
        let error = #expect(throws: AppError.self) { try ChannelTarget(text) }
        #expect(error?.description.contains("\"\(text)\" is no target; write discovery:///NAME") == true)
    }

    @Test func registryNamedTwiceIsRefused() throws {
        #expect(throws: AppError.self) { try ServiceChannel(to: "etcd:///test", discoverer: MemoryRegistry()) }
        #expect(throws: AppError.self) { try Self.app("").channel("etcd:///test") }
        #expect(throws: Never.self) { try ServiceChannel(to: "discovery:///test", discoverer: MemoryRegistry()) }
    }

    @Test(arguments: [
        ("127.0.0.1", "ipv4:127.0.0.1:80"), ("::1", "ipv6:[::1]:80"), ("localhost", "dns:localhost:80"),
        ("10.example.org", "dns:10.example.org:80"),
    ])
    func hostOfAnEndpointDecidesTheAddressKind(_ host: String, _ description: String) {
        #expect(TransportAddress(host: host, port: 80).description == description)
    }

    @Test func listenAddressesAreConverted() throws {
        #expect(TransportAddress(.tcp(host: "::", port: 1)).description == "ipv6:[::]:1")
        #expect(TransportAddress(.unix(path: "/tmp/s")).description == "unix:/tmp/s")
    }

    @Test func headersKeepTheirOrderAndKind() {
        let metadata: Metadata = ["a": "1", "b-bin": .binary([1]), "a": "2"]
        #expect(Metadata(CallMetadata(metadata)) == metadata)
    }
}
