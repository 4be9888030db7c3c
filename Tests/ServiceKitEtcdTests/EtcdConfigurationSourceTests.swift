import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitEtcd

/// Configuration in a real etcd, as a store takes it.
@Suite(.timeLimit(.minutes(3)), .enabled(if: EtcdServer.isAvailable()))
struct EtcdConfigurationSourceTests {
    struct Limits: ConfigurationSection, Equatable {
        var calls = 1
        var burst = 1

        static let ranges = [OptionRange("calls", \Limits.calls, 1...1_000_000)]
    }

    private static func store(
        _ etcd: EtcdServer,
        mode: EtcdConfigurationOptions.Mode = .required,
        timeout: Duration = .seconds(30),
        environment: [String: String] = [:],
        clock: any Clock<Duration> = ContinuousClock()
    ) throws -> ConfigurationStore {
        let yaml = """
            config: {etcd: {prefix: /config/user, mode: \(mode.rawValue), timeout: \(timeout.components.seconds)s}}
            registry: {etcd: {endpoints: [\(etcd.endpoints.map { "'\($0)'" }.joined(separator: ", "))]}}
            """
        let configuration = try Configuration(yaml: yaml)
        var options = ConfigurationStore.Options()
        options.debounce = .milliseconds(1)
        let logger = LogRecorder().logger()
        return ConfigurationStore(
            sources: try ConfigurationSources(plugins: [.etcd]).make(configuration: configuration, logger: logger),
            environment: environment,
            options: options,
            logger: logger,
            clock: clock
        )
    }

    private static func running(_ store: ConfigurationStore, _ body: (Live<Limits>) async throws -> Void) async throws {
        try await store.start()
        let limits = try store.live(Limits.self, at: "limits")
        let task = Task { await store.run() }
        defer { task.cancel() }
        try await body(limits)
    }

    @Test func changedKeyReachesALiveSectionAndADeletedOneIsGone() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.etcdctl("put", "/config/user/app.yaml", "limits: {calls: 5, burst: 5}")
            try await etcd.etcdctl("put", "/config/user/limits/burst", "7")
            let store = try Self.store(etcd)
            try await Self.running(store) { limits in
                #expect(limits.value == Limits(calls: 5, burst: 7))
                try await etcd.etcdctl("put", "/config/user/limits.calls", "6")
                try await eventually { limits.value == Limits(calls: 6, burst: 7) }
                try await etcd.etcdctl("del", "/config/user/limits/burst")
                try await eventually { limits.value == Limits(calls: 6, burst: 5) }
                try await etcd.etcdctl("del", "/config/user/", "--prefix")
                try await eventually { limits.value == Limits() }
                #expect(store.status.away.isEmpty)
            }
        }
    }

    @Test func environmentWinsOverEtcd() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.etcdctl("put", "/config/user/limits.calls", "5")
            let store = try Self.store(etcd, environment: ["KIT_LIMITS__CALLS": "9"])
            try await Self.running(store) { #expect($0.value.calls == 9) }
        }
    }

    @Test(arguments: [
        ("limits:\n  calls: 0", "etcd /config/user/app.yaml:2:10"),
        ("limits:\n  calls: [", "etcd /config/user/app.yaml:"),
    ])
    func badDocumentIsRefusedWithItsPlace(_ document: String, _ place: String) async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.etcdctl("put", "/config/user/app.yaml", "limits: {calls: 5}")
            let store = try Self.store(etcd)
            try await Self.running(store) { limits in
                try await etcd.etcdctl("put", "/config/user/app.yaml", document)
                try await eventually { store.status.refusals == 1 }
                #expect(store.status.refusal?.contains(place) == true, "\(store.status.refusal ?? "")")
                #expect(limits.value.calls == 5)
                try await etcd.etcdctl("put", "/config/user/app.yaml", "limits: {calls: 6}")
                try await eventually { limits.value.calls == 6 }
            }
        }
    }

    @Test func memberThatIsWipedAndBackForgetsNothing() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.etcdctl("put", "/config/user/limits.calls", "5")
            try await etcd.etcdctl("put", "/config/user/limits.burst", "6")
            let store = try Self.store(etcd)
            try await Self.running(store) { limits in
                try await etcd.kill()
                try await eventually { !store.status.away.isEmpty }
                try etcd.wipe()
                try await etcd.start()
                try await etcd.waitUntilReady()
                try await eventually { store.status.away["etcd /config/user"]?.contains("lost its data") == true }
                #expect(limits.value == Limits(calls: 5, burst: 6))
                try await etcd.etcdctl("put", "/config/user/limits.calls", "7")
                try await eventually { limits.value == Limits(calls: 7, burst: 6) }
                #expect(store.status.away.isEmpty)
            }
        }
    }

    @Test func memberThatIsBackWithItsDataIsFollowed() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.etcdctl("put", "/config/user/limits.calls", "5")
            let store = try Self.store(etcd)
            try await Self.running(store) { limits in
                try await etcd.kill()
                try await eventually { !store.status.away.isEmpty }
                #expect(limits.value.calls == 5)
                try await etcd.start()
                try await etcd.waitUntilReady()
                try await etcd.etcdctl("put", "/config/user/limits.calls", "6")
                try await eventually { limits.value.calls == 6 }
                #expect(store.status.away.isEmpty)
            }
        }
    }

    @Test func requiredSourceThatIsAwayFailsTheStart() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.kill()
            let error = try await Self.failureOfTheStart(etcd) { _ in true }
            #expect(error?.message.hasPrefix("no configuration within 30.0 seconds from etcd /config/user: ") == true)
        }
    }

    @Test func requiredPrefixWithoutKeysFailsTheStart() async throws {
        try await EtcdServer.withServer { etcd in
            let cause = "no key begins with /config/user/; put one"
            let error = try await Self.failureOfTheStart(etcd) { $0 == cause }
            #expect(error?.message.hasSuffix(cause) == true)
        }
    }

    /// The error of a start whose time is over when the source is away for such a cause.
    private static func failureOfTheStart(
        _ etcd: EtcdServer, away isCause: (String) -> Bool
    ) async throws -> ConfigurationError? {
        let clock = TestClock()
        let store = try store(etcd, clock: clock)
        let start = Task { try await store.start() }
        try await eventually { store.status.away.values.contains(where: isCause) }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(30))
        return await #expect(throws: ConfigurationError.self) { try await start.value }
    }

    @Test func optionalSourceThatIsAwayIsTakenInWhenItComes() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.etcdctl("put", "/config/user/limits.calls", "5")
            try await etcd.kill()
            try await Self.running(try Self.store(etcd, mode: .optional)) { limits in
                #expect(limits.value.calls == 1)
                try await etcd.start()
                try await eventually { limits.value.calls == 5 }
            }
        }
    }

    @Test func optionalPrefixWithoutKeysIsNoReasonToWait() async throws {
        try await EtcdServer.withServer { etcd in
            let store = try Self.store(etcd, mode: .optional)
            try await Self.running(store) { limits in
                #expect(limits.value == Limits())
                // On a busy machine the first request may have failed.
                try await eventually { store.status.away.isEmpty }
            }
        }
    }

    @Test func prefixThatBeginsAlikeIsAnothersOwn() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.etcdctl("put", "/config/user-admin/limits.calls", "9")
            try await etcd.etcdctl("put", "/config/user/limits.calls", "5")
            let store = try Self.store(etcd)
            try await Self.running(store) { limits in
                try await etcd.etcdctl("put", "/config/user-admin/app.yaml", "limits: {burst: 9}")
                try await etcd.etcdctl("put", "/config/user/limits.calls", "6")
                try await eventually { limits.value.calls == 6 }
                #expect(limits.value == Limits(calls: 6, burst: 1))
                #expect(store.status.refusals == 0)
            }
        }
    }

    @Test func cancelledSourceEnds() async throws {
        try await EtcdServer.withServer { etcd in
            let yaml =
                "{config: {etcd: {prefix: /c, mode: optional, connection: {endpoints: ['\(etcd.endpoints[0])']}}}}"
            let sources = try ConfigurationSources(plugins: [.etcd]).make(
                configuration: Configuration(yaml: yaml), logger: LogRecorder().logger())
            let source = try #require(sources.first)
            let states = Watched<[ConfigurationSourceState]>([])
            let task = Task { await source.run { state in states.update { $0.append(state) } } }
            // A busy etcd may be away first.
            try await eventually { states.value.last == .loaded([]) }
            task.cancel()
            await task.value
        }
    }
}
