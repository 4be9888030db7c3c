import Foundation
import Logging
import Metrics
import MetricsTestKit
@testable import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct ConfigurationStoreTests {
    struct Limits: ConfigurationSection, Equatable {
        var calls = 1
        var burst = 1

        static let ranges = [OptionRange("calls", \Limits.calls, 1...1_000_000)]
    }

    struct Cache: ConfigurationSection, Equatable {
        var size = 1
    }

    /// A source that a test holds in its hand.
    final class FakeSource: ConfigurationSource {
        let name: String
        let isRequired: Bool
        let state: Watched<ConfigurationSourceState?>
        let refreshes = Mutex(0)

        init(_ yaml: String?, name: String = "fake", isRequired: Bool = true) {
            self.name = name
            self.isRequired = isRequired
            state = Watched(yaml.map(Self.loaded))
        }

        func run(report: @escaping @Sendable (ConfigurationSourceState) -> Void) async {
            for await state in state.values { if let state { report(state) } }
        }

        func refresh() { refreshes.withLock { $0 += 1 } }

        func set(_ yaml: String) { state.set(Self.loaded(yaml)) }

        private static func loaded(_ yaml: String) -> ConfigurationSourceState {
            .loaded([ConfigurationDocument(origin: "fake.yaml", bytes: Array(yaml.utf8))])
        }
    }

    /// A store that runs, with its clock and its log.
    struct Running {
        let source: FakeSource
        let store: ConfigurationStore
        let clock = TestClock()
        let log = LogRecorder()

        init(_ source: FakeSource, environment: [String: String] = [:], overrides: [String] = []) {
            self.source = source
            store = ConfigurationStore(
                sources: [source], environment: environment, overrides: overrides, logger: log.logger(), clock: clock)
        }

        /// Changes the source, and waits until the store has taken or refused it.
        func change(to yaml: String) async throws {
            let before = store.status
            source.set(yaml)
            await settle()
            try await eventually {
                store.status.generation + store.status.refusals > before.generation + before.refusals
            }
        }

        /// Lets the burst of changes end.
        func settle() async {
            await clock.waitForSleepers()
            clock.advance(by: .milliseconds(200))
        }
    }

    static func running(
        _ yaml: String,
        environment: [String: String] = [:],
        overrides: [String] = [],
        _ body: (Running) async throws -> Void
    ) async throws {
        let running = Running(FakeSource(yaml), environment: environment, overrides: overrides)
        try await running.store.start()
        let task = Task { await running.store.run() }
        defer { task.cancel() }
        try await body(running)
    }

    @Test func changeOfASectionIsTaken() async throws {
        try await Self.running("limits: {calls: 5}") { running in
            let limits = try running.store.live(Limits.self, at: "limits")
            #expect(limits.value == Limits(calls: 5))
            try await running.change(to: "limits: {calls: 6, burst: 2}")
            #expect(limits.value == Limits(calls: 6, burst: 2))
            #expect(try running.store.configuration.decode(Limits.self, at: "limits").calls == 6)
            #expect(running.store.status.generation == 2)
            #expect(await running.log.first { $0.description == "notice: configuration changed generation=2" } != nil)
        }
    }

    @Test func reloadsAreCountedByTheirResult() async throws {
        let backend = TestMetrics()
        try await withMetricsFactory(backend) {
            try await Self.running("limits: {calls: 5}") { running in
                _ = try running.store.live(Limits.self, at: "limits")
                for calls in [6, 0, 7] { try await running.change(to: "limits: {calls: \(calls)}") }
            }
        }
        func count(_ result: String) -> Int64 {
            backend.counterTotal(label: "servicekit.config.reloads", dimensions: [("result", result)])
        }
        try await eventually { count("applied") == 2 && count("refused") == 1 }
    }

    @Test func observerWakesForItsOwnSectionOnly() async throws {
        try await Self.running("limits: {calls: 5}\ncache: {size: 5}") { running in
            let wakes = Mutex<[Int]>([])
            let cache = try running.store.live(Cache.self, at: "cache")
            let limits = try running.store.live(Limits.self, at: "limits")
            let observer = Task { for await value in cache { wakes.withLock { $0.append(value.size) } } }
            defer { observer.cancel() }
            try await eventually { wakes.withLock(\.count) == 1 }
            for calls in 6...8 {
                // The cache's text moves and is written in another way. Its value stays.
                try await running.change(to: "limits: {calls: \(calls)}\n\n\ncache:\n  size: 0x5")
            }
            #expect(limits.value.calls == 8)
            try await running.change(to: "cache: {size: 6}")
            try await eventually { wakes.withLock(\.count) >= 2 }
            #expect(wakes.withLock(\.self) == [5, 6])
        }
    }

    @Test func deletedKeyFallsBackToTheLayerBelow() async throws {
        try await Self.running("limits: {calls: 5, burst: 5}", environment: ["KIT_CACHE__SIZE": "7"]) { running in
            let limits = try running.store.live(Limits.self, at: "limits")
            let cache = try running.store.live(Cache.self, at: "cache")
            try await running.change(to: "limits: {burst: 6}\ncache: {size: 9}")
            #expect(limits.value == Limits(calls: 1, burst: 6))
            #expect(cache.value.size == 7)
            try await running.change(to: "{}")
            #expect(limits.value == Limits())
        }
    }

    @Test func burstOfChangesIsOneGeneration() async throws {
        try await Self.running("limits: {calls: 5}") { running in
            let limits = try running.store.live(Limits.self, at: "limits")
            running.source.set("limits: {calls: 6}")
            await running.clock.waitForSleepers()
            running.clock.advance(by: .milliseconds(199))
            running.source.set("limits: {calls: 7}")
            running.clock.advance(by: .milliseconds(1))
            try await eventually { running.store.status.generation == 2 }
            try await eventually {
                // The second change came in time or is a burst of its own: no value is lost.
                if limits.value.calls != 7 { running.clock.advance(by: .milliseconds(200)) }
                return limits.value.calls == 7
            }
        }
    }

    @Test func changeOfAValueThatNobodyFollowsNeedsARestart() async throws {
        try await Self.running("limits: {calls: 5}\nserver: {listen: a, limits: {burst: 1}}") { running in
            _ = try running.store.configuration.decode(String.self, at: "server.listen")
            _ = try running.store.live(Limits.self, at: "server.limits")
            _ = try running.store.configuration.decode(Limits.self, at: "limits")
            try await running.change(to: "limits: {calls: 6}\nserver: {listen: b, limits: {burst: 2}}")
            #expect(running.store.status.needsRestart == ["limits.calls", "server.listen"])
            let warnings = running.log.entries.map(\.description).filter { $0.hasPrefix("warning") }
            #expect(
                warnings == [
                    "warning: configuration changed, but needs a restart key=limits.calls",
                    "warning: configuration changed, but needs a restart key=server.listen",
                ])
            try await running.change(to: "limits: {calls: 5}\nserver: {listen: b, limits: {burst: 2}}")
            #expect(running.store.status.needsRestart == ["server.listen"])
            #expect(running.log.entries.count { $0.level == .warning } == 2)
        }
    }

    @Test func sameTypeAndPathGiveTheSameSection() async throws {
        let store = ConfigurationStore(try Configuration(yaml: "a: {size: 2}"))
        let first = try store.live(Cache.self, at: "a")
        #expect(first === (try store.live(Cache.self, at: "a")))
        #expect(first.value.size == 2)
        #expect(try store.live(Cache.self, at: "b").value.size == 1)
        #expect(throws: ConfigurationError.self) { try store.live(Limits.self, at: "a") }
    }

    @Test func componentThatFollowsTakesAChangeOverOrRefusesIt() async throws {
        try await Self.running("limits: {calls: 5}\nname: a") { running in
            let limits = try running.store.live(Limits.self, at: "limits")
            let taken = Mutex<[String]>([])
            let store = running.store
            _ = try store.configuration.decode(String.self, at: "name")
            store.follow(["name"]) { next, earlier in
                let (name, last) = (
                    try next.decode(String.self, at: "name"), try earlier.decode(String.self, at: "name")
                )
                if name == "bad" { throw ConfigurationError(message: "bad name", location: next.location(of: "name")) }
                return {
                    // No lock is held: the component may read what has changed with it.
                    let calls = limits.value.calls
                    taken.withLock { $0.append("\(last) to \(name), \(calls) calls, \(store.status.generation)") }
                }
            }
            try await running.change(to: "limits: {calls: 6}\nname: b")
            try await eventually { taken.withLock(\.self) == ["a to b, 6 calls, 2"] }
            try await running.change(to: "limits: {calls: 7}\nname: bad")
            #expect(store.status.refusal == "fake.yaml:2:7: bad name")
            #expect(limits.value.calls == 6)
            try await running.change(to: "limits: {calls: 7}\nname: c")
            try await eventually { taken.withLock(\.self) == ["a to b, 6 calls, 2", "b to c, 7 calls, 3"] }
            #expect(store.status.needsRestart.isEmpty)
        }
    }

    @Test func replaceableSectionHasTheLatestValue() async throws {
        try await Self.running("limits: {calls: 5}") { running in
            let limits = try running.store.replaceable(Limits.self, at: "limits")
            #expect(limits.read { $0.calls } == 5)
            for calls in 6...7 {
                try await running.change(to: "limits: {calls: \(calls)}")
                try await eventually { limits.read { $0.calls } == calls }
            }
            try await running.change(to: "limits: {calls: 0}")
            #expect(limits.read { $0.calls } == 7)
            #expect(running.store.status.needsRestart.isEmpty)
        }
    }

    @Test func readersOfTwoSectionsNeverSeeAnOlderOneAfterANewerOne() async throws {
        let source = FakeSource("limits: {calls: 1}\ncache: {size: 1}")
        var options = ConfigurationStore.Options()
        options.debounce = .zero
        let store = ConfigurationStore(
            sources: [source], environment: [:], options: options, logger: LogRecorder().logger())
        try await store.start()
        let limits = try store.live(Limits.self, at: "limits")
        let cache = try store.live(Cache.self, at: "cache")
        let isDone = Watched(false)
        try await withThrowingTaskGroup { group in
            let run = Task { await store.run() }
            defer { run.cancel() }
            for reader in 0..<64 {
                group.addTask {
                    while !isDone.value {
                        if reader.isMultiple(of: 2) {
                            let first = limits.value.calls
                            try #require(cache.value.size >= first)
                        } else {
                            let first = cache.value.size
                            try #require(limits.value.calls >= first)
                        }
                        await Task.yield()
                    }
                }
            }
            for number in 2...1000 {
                let before = store.status
                let isBad = number.isMultiple(of: 3)
                source.set("cache: {size: \(number)}\nlimits: {calls: \(isBad ? 0 : number)}")
                try await eventually {
                    isBad ? store.status.refusals > before.refusals : store.status.generation > before.generation
                }
            }
            isDone.set(true)
            try await group.waitForAll()
        }
        #expect(store.status.refusals == 333)
        #expect(limits.value.calls == 1000)
    }
}
