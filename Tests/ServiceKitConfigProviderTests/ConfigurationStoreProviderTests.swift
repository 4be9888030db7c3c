import Configuration
import ConfigurationTesting
import ServiceKit
import ServiceKitConfig
import ServiceKitConfigProvider
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ConfigurationStoreProviderTests {
    /// A source that a test holds in its hand.
    private struct FakeSource: ConfigurationSource {
        let name = "fake"
        let isRequired = true
        let yaml: Watched<String>

        func run(report: @escaping @Sendable (ConfigurationSourceState) -> Void) async {
            for await yaml in yaml.values {
                report(.loaded([ConfigurationDocument(origin: "fake.yaml", bytes: Array(yaml.utf8))]))
            }
        }
    }

    /// Runs a body with a provider, and the text that its configuration follows.
    private static func with(
        _ yaml: String,
        sections: [String] = ["client"],
        _ body: (ConfigurationStoreProvider, ConfigurationStore, Watched<String>) async throws -> Void
    ) async throws {
        let text = Watched(yaml)
        var options = ConfigurationStore.Options()
        options.debounce = .milliseconds(1)
        let store = ConfigurationStore(
            sources: [FakeSource(yaml: text)], environment: [:], options: options, logger: LogRecorder().logger())
        try await store.start()
        let task = Task { await store.run() }
        defer { task.cancel() }
        try await body(ConfigurationStoreProvider(store, sections: sections), store, text)
    }

    @Test func providerPassesTheCompatibilityTestOfSwiftConfiguration() async throws {
        // The bytes are those of `ProviderCompatTest`: "magic" and "magic2".
        let yaml = """
            string: Hello
            int: 42
            double: 3.14
            bool: true
            bytes: bWFnaWM=
            stringy: {array: [Hello, World]}
            inty: {array: [42, 24]}
            doubly: {array: [3.14, 2.72]}
            booly: {array: [true, false]}
            byte-chunky: {array: [bWFnaWM=, bWFnaWMy]}
            other:
              string: Other Hello
              int: 24
              double: 2.72
              bool: false
              bytes: bWFnaWMy
              stringy: {array: [Hello, Swift]}
              inty: {array: [16, 32]}
              doubly: {array: [0.9, 1.8]}
              booly: {array: [false, true, true]}
              byte-chunky: {array: [bWFnaWM=, bWFnaWMy, bWFnaWM=]}
            """
        try await Self.with(yaml) { provider, _, _ in try await ProviderCompatTest(provider: provider).runTest() }
    }

    @Test(
        arguments: [
            ("client.maxSize", 5), ("client.max-size", 5), ("client.keepsCase", 6), ("client.limits.a.b", nil),
            ("absent", nil),
        ] as [(ConfigKey, Int?)])
    func keyIsFoundAsWrittenOrInKebabCase(_ key: ConfigKey, _ value: Int?) async throws {
        try await Self.with("client: {max-size: 5, keepsCase: 6, limits: 3}") { provider, _, _ in
            #expect(ConfigReader(provider: provider).int(forKey: key) == value)
        }
    }

    @Test(arguments: [
        ("client.size", ConfigType.int, "fake.yaml:1:16: client.size: expected an integer"),
        ("client.list", .string, "fake.yaml:1:29: client.list: expected text, found a sequence"),
        ("client.size", .bytes, "fake.yaml:1:16: client.size: expected bytes in Base64"),
        ("client.list", .intArray, "fake.yaml:1:30: client.list[0]: expected an integer"),
    ])
    func valueOfAnotherTypeIsRefusedWithItsPlace(_ key: String, _ type: ConfigType, _ text: String) async throws {
        try await Self.with("client: {size: l*rge, list: [x]}") { provider, _, _ in
            let error = #expect(throws: ConfigurationError.self) {
                try provider.value(forKey: AbsoluteConfigKey(ConfigKey(key)), type: type)
            }
            #expect(error?.description.hasPrefix(text) == true, "\(error?.description ?? "")")
        }
    }

    @Test func sectionOfAnotherPackageIsKnown() async throws {
        try await Self.with("client: {size: 1}", sections: ["client"]) { _, store, _ in
            #expect(throws: Never.self) { try store.configuration.checkForUnknownKeys() }
        }
        try await Self.with("client: {size: 1}", sections: []) { _, store, _ in
            #expect(throws: ConfigurationError.self) { try store.configuration.checkForUnknownKeys() }
        }
    }

    @Test(arguments: [
        ("client.password", true), ("client.url", true), ("client.urls", true), ("client.hidden", true),
        ("client.host", false), ("client.hosts", false),
    ])
    func secretIsMarked(_ key: String, _ isSecret: Bool) async throws {
        let yaml = """
            client:
              password: x
              url: http://user:pw@host
              urls: [http://host, "http://user:pw@host"]
              hidden: x
              host: x
              hosts: x
            """
        try await Self.with(yaml) { provider, store, _ in
            _ = try store.configuration.decode(Secret<String>.self, at: "client.hidden")
            let type: ConfigType = key.hasSuffix("urls") ? .stringArray : .string
            let result = try provider.value(forKey: AbsoluteConfigKey(ConfigKey(key)), type: type)
            #expect(result.value?.isSecret == isSecret)
            #expect(result.encodedKey == key)
        }
    }

    @Test func watchOfAValueHasItsChangesAlone() async throws {
        try await Self.with("client: {size: 1, other: 1}") { provider, store, text in
            let config = ConfigReader(provider: provider)
            var seen: [Int?] = []
            try await config.watchInt(forKey: "client.size") { updates in
                for await size in updates {
                    seen.append(size)
                    switch size {
                    case 1:
                        // Another value of the same section changes: nothing to tell.
                        text.set("client: {size: 1, other: 2}")
                        try await eventually { store.status.generation == 2 }
                        text.set("client: {size: 2, other: 2}")
                    case 2: text.set("client: {other: 2}")
                    default: return
                    }
                }
            }
            #expect(seen == [1, 2, nil])
        }
    }

    @Test func snapshotNeverChangesAndAWatchHasEachOne() async throws {
        try await Self.with("client: {a: 1, b: 1}") { provider, _, text in
            let first = ConfigReader(provider: provider).snapshot()
            try await ConfigReader(provider: provider).watchSnapshot { snapshots in
                for await snapshot in snapshots {
                    let (a, b) = (snapshot.int(forKey: "client.a"), snapshot.int(forKey: "client.b"))
                    #expect(a == b)
                    if a == 2 { return }
                    text.set("client: {a: 2, b: 2}")
                }
            }
            #expect(first.int(forKey: "client.a") == 1)
        }
    }

    @Test func refusedChangeIsSeenByNobody() async throws {
        try await Self.with("client: {size: 1}") { provider, store, text in
            text.set("client: {size: [}")
            try await eventually { store.status.refusals == 1 }
            #expect(ConfigReader(provider: provider).int(forKey: "client.size") == 1)
        }
    }
}
