import EtcdClient
import Logging
import ServiceKit
import ServiceKitConfig
import Testing

@testable import ServiceKitEtcd

/// What the keys of `config.etcd` mean, and what an empty store means.
struct EtcdConfigurationKeysTests {
    private var keys = EtcdConfigurationKeys(prefix: "/config/user", mustExist: false)

    private static func snapshot(
        _ values: [String: String],
        revision: Revision = 5,
        cause: SnapshotCause = .start
    ) -> ListWatchUpdate<[UInt8]> {
        let entries = values.map { entry($0.key, $0.value) }
        return .snapshot(entries.map { ($0.value, $0) }, revision: revision, cause: cause)
    }

    private static func entry(_ name: String, _ value: String) -> KeyValue {
        KeyValue(
            key: Array("/config/user/\(name)".utf8), value: Array(value.utf8), createRevision: 1, modRevision: 1,
            version: 1, lease: nil)
    }

    private static func put(_ name: String, _ value: String) -> ListWatchUpdate<[UInt8]> {
        let entry = entry(name, value)
        return .changes([.put(entry.value, entry)])
    }

    private static func document(_ name: String, _ value: String, at path: String?) -> ConfigurationDocument {
        ConfigurationDocument(origin: "etcd /config/user/\(name)", bytes: Array(value.utf8), path: path)
    }

    @Test func documentsComeBeforeValuesInTheOrderOfTheirKeys() {
        var keys = keys
        let state = keys.apply(
            Self.snapshot(["log/level": "debug", "app.yaml": "a: 1", "a.b": "2", "teams/db.yaml": "b: 1", "": "c: 1"]))
        #expect(
            state
                == .loaded([
                    Self.document("", "c: 1", at: nil),
                    Self.document("app.yaml", "a: 1", at: nil),
                    Self.document("teams/db.yaml", "b: 1", at: nil),
                    Self.document("a.b", "2", at: "a.b"),
                    Self.document("log/level", "debug", at: "log.level"),
                ])
        )
    }

    @Test func removedKeyIsGone() {
        var keys = keys
        _ = keys.apply(Self.snapshot(["a": "1", "b": "2"]))
        let state = keys.apply(.changes([.removed(key: Array("/config/user/a".utf8))]))
        #expect(state == .loaded([Self.document("b", "2", at: "b")]))
        #expect(keys.apply(Self.snapshot([:], revision: 9, cause: .compaction)) == .loaded([]))
    }

    @Test func emptyStoreAtTheStartIsAwayOnlyIfItMustExist() {
        var optional = keys
        #expect(optional.apply(Self.snapshot([:])) == .loaded([]))
        var required = EtcdConfigurationKeys(prefix: "/config/user", mustExist: true)
        let away = ConfigurationSourceState.away("no key begins with /config/user/; put one")
        #expect(required.apply(Self.snapshot([:])) == away)
        #expect(required.apply(.connected) == away)
        #expect(required.apply(Self.put("a", "1")) == .loaded([Self.document("a", "1", at: "a")]))
    }

    @Test(arguments: [(5 as Revision, SnapshotCause.storeReset), (4, .start)])
    func storeThatLostItsDataForgetsNothing(_ revision: Revision, _ cause: SnapshotCause) {
        var keys = keys
        _ = keys.apply(Self.snapshot(["a": "1", "b": "2"]))
        let away = ConfigurationSourceState.away("etcd has lost its data, or is another one; put the keys back")
        #expect(keys.apply(Self.snapshot([:], revision: revision, cause: cause)) == away)
        #expect(keys.apply(.connected) == away)
        let both = [Self.document("a", "3", at: "a"), Self.document("b", "2", at: "b")]
        #expect(keys.apply(Self.put("a", "3")) == .loaded(both))
    }

    @Test func storeThatWasRestoredWinsForTheKeysThatItHas() {
        var keys = keys
        _ = keys.apply(Self.snapshot(["a": "1", "b": "2"]))
        let state = keys.apply(Self.snapshot(["a": "0"], revision: 2, cause: .storeReset))
        #expect(state == .loaded([Self.document("a", "0", at: "a"), Self.document("b", "2", at: "b")]))
    }

    @Test func outageEndsWithTheKnownKeys() {
        var keys = keys
        #expect(keys.apply(.connected) == nil)
        #expect(keys.apply(.interrupted(EtcdError(code: .timeout, message: "gone"))) == .away("gone"))
        let loaded = ConfigurationSourceState.loaded([Self.document("a", "1", at: "a")])
        #expect(keys.apply(Self.snapshot(["a": "1"])) == loaded)
        #expect(keys.apply(.interrupted(EtcdError(code: .timeout, message: "gone"))) == .away("gone"))
        #expect(keys.apply(.connected) == loaded)
    }

    @Test func outageOfEtcdItselfHasARemedy() {
        var keys = keys
        let remedy = "is it running? registry.etcd or config.etcd.connection names its address"
        #expect(keys.apply(.interrupted(EtcdError(code: .unavailable, message: "gone"))) == .away("gone; \(remedy)"))
    }
}

extension EtcdConfigurationKeysTests {
    /// The prefix of a source may be above that of a store with versions.
    @Test func versionsOfAStoreBelowAreNoValues() {
        var keys = EtcdConfigurationKeys(prefix: "/config", mustExist: true)
        let version = Self.entry(".history/config.yaml/0000000001", "# {}\na: 1")
        let state = keys.apply(.snapshot([(version.value, version)], revision: 5, cause: .start))
        #expect(state == .away("no key begins with /config/; put one"))
        #expect(keys.apply(.changes([.put(version.value, version)])) == state)
        let value = Self.entry("audit.history", "b: 1")
        guard case .loaded(let documents) = keys.apply(.changes([.put(value.value, value)])) else {
            Issue.record("not loaded")
            return
        }
        #expect(documents.map(\.origin) == ["etcd /config/user/audit.history"])
    }
}

/// The section `config.etcd`.
struct EtcdConfigurationOptionsTests {
    private func sources(_ yaml: String) throws -> [any ConfigurationSource] {
        try ConfigurationSources(plugins: [.etcd]).make(
            configuration: Configuration(yaml: yaml, origin: "c.yaml"), logger: Logger(label: "test"))
    }

    @Test func sourceIsMadeFromItsSection() throws {
        let source = try #require(try sources("config: {etcd: {prefix: /c, mode: optional, timeout: 3s}}").first)
        #expect(source.name == "etcd /c")
        #expect(!source.isRequired)
        #expect(source.startTimeout == .seconds(3))
        #expect(try sources("app: {name: user}").isEmpty)
    }

    @Test func waitOfTheStartDependsOnTheMode() throws {
        #expect(try sources("config: {etcd: {prefix: /c}}").first?.startTimeout == .seconds(10))
        #expect(try sources("config: {etcd: {prefix: /c, mode: optional}}").first?.startTimeout == .seconds(1))
    }

    /// The source is made from these once.
    @Test(arguments: [
        (
            "registry: {etcd: {endpoints: ['http://a']}}", "registry: {etcd: {endpoints: ['http://b']}}",
            "registry.etcd.endpoints"
        ),
        ("", "registry: {etcd: {username: a, password: b}}", "registry.etcd.username"),
    ])
    func changeOfTheConnectionNeedsARestart(_ before: String, _ after: String, _ key: String) throws {
        let section = "config: {etcd: {prefix: /c}}\n"
        func layers(_ yaml: String) -> LayerStack {
            LayerStack(documents: [ConfigurationDocument(origin: "c.yaml", bytes: Array((section + yaml).utf8))])
        }
        let store = ConfigurationStore(try layers(before).merged())
        _ = try App(store: store, plugins: [.etcd], registry: MemoryRegistry(), logger: Logger(label: "test"))
        let next = try layers(after).merged(after: store.configuration)
        try next.readAgain()
        #expect(next.changesWithoutFollower(since: store.configuration).contains(key))
    }

    @Test(arguments: [
        ("config: {etcd: {}}", "config.etcd.prefix"),
        ("config: {etcd: {prefix: /c/}}", "config.etcd.prefix"),
        ("config: {etcd: {prefix: c}}", "config.etcd.prefix"),
        ("config: {etcd: {prefix: /a//c}}", "config.etcd.prefix"),
        ("config: {etcd: {prefix: /a b}}", "config.etcd.prefix"),
        ("config: {etcd: {prefix: \"/a\\u202Eb\"}}", "config.etcd.prefix"),
        ("config: {etcd: {prefix: /c.history}}", "config.etcd.prefix"),
        ("config: {etcd: {prefix: /c, ttl: 5s}}", "config.etcd.ttl"),
        ("config: {etcd: {prefix: /c, connection: {ttl: 5s}}}", "config.etcd.connection.ttl"),
        ("config: {etcd: {prefix: /c, connection: {username: u}}}", "config.etcd.connection.password"),
        (
            "config: {etcd: {prefix: /c, connection: {username: u, password-file: /no/such}}}",
            "config.etcd.connection.password-file"
        ),
        ("config: {etcd: {prefix: /c}}\nregistry: {etcd: {endpoints: []}}", "registry.etcd.endpoints"),
        ("config: {consul: {}}", "config.consul"),
    ])
    func mistakeNamesItsKey(_ yaml: String, _ key: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try sources(yaml) }
        #expect(error?.keyPath == key)
        #expect(error?.location != nil)
    }

    @Test func connectionOfItsOwnReplacesThatOfTheRegistry() throws {
        let yaml =
            "config: {etcd: {prefix: /c, connection: {endpoints: ['http://a']}}}\nregistry: {etcd: {endpoints: []}}"
        #expect(try sources(yaml).count == 1)
    }
}
