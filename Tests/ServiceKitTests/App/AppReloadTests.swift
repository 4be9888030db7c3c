import ServiceKitTesting
import Testing

@testable import ServiceKit

/// What an App itself takes over when its configuration changes.
@Suite(.timeLimit(.minutes(1)))
struct AppReloadTests {
    @Test func labelsAreUpdatedInTheRegistry() async throws {
        let source = ConfigurationStoreTests.FakeSource("app: {name: user, metadata: {weight: 1, zone: a, owner: x}}")
        var options = ConfigurationStore.Options()
        options.debounce = .zero
        let log = LogRecorder()
        let store = ConfigurationStore(sources: [source], environment: [:], options: options, logger: log.logger())
        try await store.start()
        let registry = MemoryRegistry()
        let app = try App(store: store, registry: registry, logger: log.logger(), environment: [:])
        app.add(server: FakeServer(events: Events()))
        try await withRunning(app) {
            #expect(app.snapshot().instance.metadata["weight"] == "1")
            source.set("app: {name: user, metadata: {weight: 50, lane: blue, owner: x}}\nshutdown: {lame-duck: 1ms}")
            let line = await log.first { $0.message == "labels changed" }
            #expect(line?.description == "notice: labels changed labels=lane weight zone")
            let metadata = app.snapshot().instance.metadata
            #expect(metadata["weight"] == "50")
            #expect(metadata["lane"] == "blue")
            #expect(metadata["zone"] == nil)
            #expect(metadata["started"] != nil)
            #expect(app.shutdown.value.lameDuck == .milliseconds(1))
            #expect(app.snapshot().configuration.needsRestart == [])
            #expect(app.snapshot().configuration.generation == 2)
        }
    }

    @Test func aNewNameNeedsARestart() async throws {
        let source = ConfigurationStoreTests.FakeSource("app: {name: user}")
        var options = ConfigurationStore.Options()
        options.debounce = .zero
        let log = LogRecorder()
        let store = ConfigurationStore(sources: [source], environment: [:], options: options, logger: log.logger())
        try await store.start()
        let app = try App(store: store, registry: MemoryRegistry(), logger: log.logger(), environment: [:])
        try await withRunning(app) {
            source.set("app: {name: other}")
            _ = await log.first { $0.message.contains("needs a restart") }
            #expect(app.snapshot().configuration.needsRestart == ["app.name"])
            #expect(app.instance.name == "user")
        }
    }
}
