@testable import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

/// Sources that are away, at the start and later.
extension ConfigurationStoreTests {
    @Test(arguments: [
        ("limits: {calls: 2}\nconfig: {etcd: {prefix: /c}}", "fake.yaml:2:1: config: only files, "),
        ("limits: {calls: 2}\n<<: {config: {}}", "fake.yaml:2:6: config: only files, "),
    ])
    func sourceThatNamesSourcesIsRefused(_ yaml: String, _ error: String) async throws {
        try await Self.running("limits: {calls: 1}") { running in
            let limits = try running.store.live(Limits.self, at: "limits")
            try await running.change(to: yaml)
            #expect(running.store.status.refusal?.hasPrefix(error) == true, "\(running.store.status)")
            #expect(limits.value.calls == 1)
        }
    }

    @Test func sourceWithAValueInTheSectionOfSourcesIsRefused() throws {
        let document = ConfigurationDocument(
            origin: "etcd /c/config.etcd", bytes: Array("{}".utf8), path: "config.etcd")
        let error = #expect(throws: ConfigurationError.self) {
            try LayerStack(documents: [document.fromSource]).merged()
        }
        #expect(error?.location?.origin == "etcd /c/config.etcd")
        #expect(error?.keyPath == "config.etcd")
        #expect(throws: Never.self) { try LayerStack(documents: [document]).merged() }
    }

    @Test func startFailsAtItsLimitWithoutARequiredSource() async throws {
        let running = Running(FakeSource(nil, name: "etcd /config"))
        let start = Task { try await running.store.start() }
        running.source.state.set(.away("connection refused"))
        await running.clock.waitForSleepers()
        running.clock.advance(by: .seconds(10))
        let error = await #expect(throws: ConfigurationError.self) { try await start.value }
        #expect(error?.description == "no configuration within 10.0 seconds from etcd /config: connection refused")
    }

    @Test func startWithABadConfigurationFails() async throws {
        let running = Running(FakeSource("a: ["))
        await #expect(throws: ConfigurationError.self) { try await running.store.start() }
    }

    @Test func optionalSourceThatIsAwayIsTakenInWhenItComes() async throws {
        let source = FakeSource(nil, name: "etcd", isRequired: false)
        let running = Running(source, overrides: ["limits.burst=3"])
        source.state.set(.away("no route"))
        try await running.store.start()
        let task = Task { await running.store.run() }
        defer { task.cancel() }
        let limits = try running.store.live(Limits.self, at: "limits")
        #expect(limits.value == Limits(calls: 1, burst: 3))
        #expect(running.store.status.away == ["etcd": "no route"])
        let line = "warning: configuration source is away; it has given no values yet cause=no route source=etcd"
        #expect(running.log.entries.map(\.description) == [line])
        try await running.change(to: "limits: {calls: 4, burst: 4}")
        #expect(limits.value == Limits(calls: 4, burst: 3))
        #expect(running.store.status.away.isEmpty)
    }

    /// It has its own time, also beside a required source that takes longer.
    @Test func optionalSourceThatDoesNotAnswerHoldsTheStartForItsTimeOnly() async throws {
        let (silent, required) = (FakeSource(nil, name: "etcd", isRequired: false), FakeSource("limits: {calls: 5}"))
        let (clock, log) = (TestClock(), LogRecorder())
        let store = ConfigurationStore(
            sources: [silent, required], environment: [:], logger: log.logger(), clock: clock)
        let start = Task { try await store.start() }
        // The limits of the start and of the source.
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(1))
        try await start.value
        #expect(store.status.away == ["etcd": "no answer within 1.0 seconds"])
        let line =
            "warning: configuration source is away; it has given no values yet cause=no answer within 1.0 seconds "
        #expect(log.entries.map(\.description) == [line + "source=etcd"])
        let limits = try store.live(Limits.self, at: "limits")
        #expect(limits.value.calls == 5)
        let run = Task { await store.run() }
        defer { run.cancel() }
        silent.set("limits: {burst: 7}")
        await clock.waitForSleepers()
        clock.advance(by: .milliseconds(200))
        try await eventually { limits.value == Limits(calls: 5, burst: 7) }
        #expect(store.status.away.isEmpty)
    }

    @Test func sourceThatIsAwayAndComesBackIsLogged() async throws {
        try await Self.running("limits: {calls: 5}") { running in
            let log = running.log
            running.source.state.set(.away("no route"))
            let away = "warning: configuration source is away; its last values stay cause=no route source=fake"
            #expect(await log.first { $0.description == away } != nil)
            running.source.set("limits: {calls: 5}")
            let back = "notice: configuration source is no longer away source=fake"
            #expect(await log.first { $0.description == back } != nil)
            #expect(running.store.status.away.isEmpty)
            #expect(log.entries.count == 2)
        }
    }

    @Test func reloadAsksTheSources() async throws {
        try await Self.running("limits: {calls: 5}") { running in
            _ = try running.store.live(Limits.self, at: "limits")
            running.store.reload()
            await running.settle()
            #expect(running.source.refreshes.withLock(\.self) == 1)
            #expect(running.store.status.generation == 1)
            // The operator sees that it was done.
            let line = "notice: configuration read again; nothing has changed generation=1"
            #expect(await running.log.first { $0.description == line } != nil)
            try await running.change(to: "limits: {calls: 6}")
            #expect(running.log.entries.count { $0.description.contains("read again") } == 1)
        }
    }
}
