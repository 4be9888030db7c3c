import GRPCNghttp2Transport
import GRPCNghttp2Transport
import Testing

@testable import EtcdClient

struct EtcdConfigTests {
    private func config(_ change: (inout EtcdConfig) -> Void = { _ in }) -> EtcdConfig {
        var config = EtcdConfig(endpoints: [EtcdEndpoint(host: "127.0.0.1")])
        change(&config)
        return config
    }

    @Test func theDefaultsAreValid() throws {
        try config().validate()
    }

    @Test func endpointsAreParsed() throws {
        let config = try EtcdConfig(endpoints: ["http://a:1", "https://b"])
        #expect(config.endpoints.map(\.description) == ["http://a:1", "https://b:2379"])
        #expect(throws: EtcdError.self) { try EtcdConfig(endpoints: ["http://a:1", "b:c"]) }
    }

    private static let mistakes: [(what: String, change: @Sendable (inout EtcdConfig) -> Void)] = [
        ("no endpoint", { $0.endpoints = [] }),
        ("dialTimeout is 0", { $0.dialTimeout = .zero }),
        ("requestTimeout is -1", { $0.requestTimeout = .seconds(-1) }),
        ("keepaliveTime is 0", { $0.keepaliveTime = .zero }),
        ("keepaliveTimeout is 0", { $0.keepaliveTimeout = .zero }),
        ("maxBackoff is 0", { $0.maxBackoff = .zero }),
        ("maxBufferedEvents is 0", { $0.maxBufferedEvents = 0 }),
        ("maxMessageBytes is -1", { $0.maxMessageBytes = -1 }),
        ("certificate and key go together", { $0.tls.certificate = "a.pem" }),
        ("port 0", { $0.endpoints = [EtcdEndpoint(host: "a", port: 0)] }),
        ("port 65536", { $0.endpoints = [EtcdEndpoint(host: "a"), EtcdEndpoint(host: "b", port: 65536)] }),
        ("has no host", { $0.endpoints = [EtcdEndpoint(host: "")] }),
    ]

    @Test(arguments: mistakes.indices)
    func invalidSettingIsRefused(index: Int) throws {
        let (what, change) = Self.mistakes[index]
        let config = config(change)
        let error = try #require(throws: EtcdError.self) { try EtcdClient(config) }
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(what))
    }

    @Test func transportGetsTheConfiguredLimits() {
        let transport = config {
            $0.dialTimeout = .seconds(1)
            $0.keepaliveTime = .seconds(2)
            $0.keepaliveTimeout = .seconds(3)
            $0.maxBackoff = .seconds(4)
            $0.maxMessageBytes = 5
        }.transportConfig()
        #expect(transport.connectTimeout == .seconds(1))
        #expect(transport.keepalive.time == .seconds(2))
        #expect(transport.keepalive.timeout == .seconds(3))
        #expect(transport.backoff.max == .seconds(4))
        #expect(transport.maxMessageBytes == 5)
    }

    @Test func descriptionMasksThePassword() {
        let credentials = EtcdConfig.Credentials(username: "ada", password: "lovelace")
        var config = config()
        config.credentials = credentials
        for text in ["\(credentials)", String(reflecting: credentials), "\(config)", String(reflecting: config)] {
            #expect(!text.contains("lovelace"))
        }
        #expect("\(credentials)".contains("ada"))
        var dumped = ""
        dump(config, to: &dumped)
        #expect(!dumped.contains("lovelace"))
    }
}
