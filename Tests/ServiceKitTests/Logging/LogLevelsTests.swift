import Logging
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// Levels of loggers that the section `log` sets while they are in use.
@Suite(.timeLimit(.minutes(1))) struct LogLevelsTests {
    private let source = ConfigurationStoreTests.FakeSource("log: {level: error, levels: {db: debug}}")
    private let levels = LogLevels()
    private let log = LogRecorder()

    private func logger(_ label: String, inside level: Logger.Level = .trace) -> Logger {
        var base = log.logger(label).handler
        base.logLevel = level
        return Logger(label: label) { [base] in LeveledLogHandler(base, LabelLevel($0, of: levels)) }
    }

    private func running(_ body: (ConfigurationStore) async throws -> Void) async throws {
        var options = ConfigurationStore.Options()
        options.debounce = .zero
        let store = ConfigurationStore(
            sources: [source], environment: [:], options: options, logger: LogRecorder().logger())
        try await store.start()
        try levels.follow(store)
        let task = Task { await store.run() }
        defer { task.cancel() }
        try await body(store)
    }

    @Test func levelsOfTheSectionChangeForLoggersThatExist() async throws {
        let (db, web) = (logger("db"), logger("web"))
        #expect(db.logLevel == .trace && web.logLevel == .trace)
        try await running { store in
            #expect(db.logLevel == .debug && web.logLevel == .error)
            source.set("log: {level: notice, levels: {web: trace}}")
            try await eventually { db.logLevel == .notice && web.logLevel == .trace }
            db.info("no")
            web.info("yes")
            #expect(log.entries.map(\.message) == ["yes"])
            source.set("log: {level: loud}")
            try await eventually { store.status.refusals == 1 }
            #expect(store.status.refusal?.hasPrefix("fake.yaml:1:14: log.level: ") == true)
            source.set("log: {levels: {web: quiet}}")
            try await eventually { store.status.refusals == 2 }
            #expect(store.status.refusal?.hasPrefix("fake.yaml:1:21: log.levels.web: ") == true)
            #expect(db.logLevel == .notice && web.logLevel == .trace)
            source.set("{}")
            try await eventually { db.logLevel == .trace && web.logLevel == .trace }
            #expect(store.status.needsRestart.isEmpty)
        }
    }

    @Test func levelOfTheProgramComesFirstAndThatOfTheBackendLast() async throws {
        var own = logger("db", inside: .warning)
        let other = own
        own.logLevel = .critical
        #expect(other.logLevel == .warning)
        try await running { _ in
            #expect(own.logLevel == .critical && other.logLevel == .debug)
            source.set("log: {levels: {web: info}}")
            try await eventually { other.logLevel == .warning }
        }
    }

    @Test func metadataIsThatOfTheBackendInside() {
        var first = logger("db")
        first[metadataKey: "only-on"] = "first"
        var second = first
        second[metadataKey: "only-on"] = "second"
        first.error("a", metadata: ["b": "c"])
        #expect(log.entries.map(\.description) == ["error: a b=c only-on=first"])
        #expect(second[metadataKey: "only-on"] == "second")
    }

    @Test func loggerOfAnAppFollowsTheSection() async throws {
        var options = ConfigurationStore.Options()
        options.debounce = .zero
        let store = ConfigurationStore(
            sources: [source], environment: [:], options: options, logger: LogRecorder().logger())
        try await store.start()
        let app = try App(store: store, registry: MemoryRegistry(), logger: log.logger("db"), environment: [:])
        let copy = app.logger
        try await withRunning(app) {
            #expect(copy.logLevel == .debug)
            source.set("log: {level: critical}")
            try await eventually { copy.logLevel == .critical }
            #expect(app.snapshot().configuration.needsRestart.isEmpty)
        }
    }
}
