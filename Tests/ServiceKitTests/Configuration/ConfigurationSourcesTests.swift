import Logging
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// Sources that configuration names.
@Suite(.timeLimit(.minutes(1)))
struct ConfigurationSourcesTests {
    /// A third party's source.
    final class Shelf: ConfigurationSource, ConfigurationSourceBackend {
        struct Options: ConfigurationSection {
            var board = ""
        }

        static let name = "shelf"
        let name: String
        let isRequired = true
        let startTimeout: Duration? = .seconds(3)

        init(_ options: Options) { name = "shelf \(options.board)" }

        static func make(
            _ options: Options,
            configuration: Configuration,
            logger: Logger
        ) throws -> any ConfigurationSource {
            Shelf(options)
        }

        func run(report: @escaping @Sendable (ConfigurationSourceState) -> Void) async {
            report(.away("dark"))
        }
    }

    private let plugins: [Plugin] = [.configurationSource(Shelf.self)]

    private func sources(_ yaml: String) throws -> [any ConfigurationSource] {
        let configuration = try Configuration(yaml: yaml, origin: "c.yaml")
        return try ConfigurationSources(plugins: plugins).make(
            configuration: configuration, logger: LogRecorder().logger())
    }

    @Test func pluginBringsASourceThatConfigurationNames() throws {
        #expect(try sources("config: {shelf: {board: top}}").map(\.name) == ["shelf top"])
        #expect(try sources("config: {shelf: null}").isEmpty)
        #expect(try sources("{}").isEmpty)
    }

    @Test func unknownSourceIsRefusedWithItsPlaceAndThoseLinked() throws {
        let error = #expect(throws: ConfigurationError.self) { try sources("config:\n  shelv: {}") }
        #expect(error?.description.contains("c.yaml:2:") == true)
        #expect(error?.message.contains("did you mean \"shelf\"?") == true)
    }

    @Test func appKnowsTheSectionsOfSources() throws {
        let yaml = "app: {name: user}\nconfig: {shelf: {board: top}}"
        #expect(AppConfigurationTests.failure(yaml, plugins: plugins) == nil)
        #expect(AppConfigurationTests.failure(yaml)?.contains("unknown key") == true)
    }

    @Test func startWaitsAsLongAsTheSourceSays() async throws {
        let clock = TestClock()
        let store = ConfigurationStore(
            sources: try sources("config: {shelf: {board: top}}"), environment: [:], logger: LogRecorder().logger(),
            clock: clock)
        let start = Task { try await store.start() }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(3))
        let error = await #expect(throws: ConfigurationError.self) { try await start.value }
        #expect(error?.message == "no configuration within 3.0 seconds from shelf top: dark")
    }

    @Test func localConfigurationLeavesOutWhatASourceMayBring() throws {
        let directory = try TemporaryDirectory()
        func local(_ yaml: String) throws -> Configuration {
            let file = try directory.write(yaml, to: "c.yaml")
            return try AppConfigurationTests.arguments(config: file).localConfiguration(environment: [:])
        }
        let user = "app: {name: user}\nconfig: {shelf: {board: '${app.name}'}}\n"
        let configuration = try local(user + "database: {host: '${hosts.db}'}")
        #expect(configuration.keys(at: "config.shelf") == ["board"])
        #expect(!configuration.contains("database.host"))
        let error = #expect(throws: ConfigurationError.self) { try local("config: {shelf: {board: '${hosts.board}'}}") }
        #expect(error?.keyPath == "config.shelf.board")
    }
}
