import Foundation
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitTesting
import ServiceLifecycle
import Testing

/// The examples of docs/handbook.
@Suite(.timeLimit(.minutes(1)))
struct HandbookTests {
    actor Sessions {
        private(set) var isClosed = false

        func deleteExpired() {}

        func close() { isClosed = true }
    }

    /// Deletes old sessions, once a minute.
    struct Janitor: Service {
        let sessions: Sessions

        func run() async throws {
            await cancelWhenGracefulShutdown {
                while (try? await Task.sleep(for: .seconds(60))) != nil { await sessions.deleteExpired() }
            }
        }
    }

    // Compiled, and not run: it reads the command line.
    private func main() async {
        await App.run { app in
            let sessions = Sessions()
            app.add(Janitor(sessions: sessions))
            app.afterStop { await sessions.close() }
        }
    }

    @Test func theJanitorEndsWithTheApp() async throws {
        let app = try App(configuration: Configuration(yaml: "registry: {backend: memory}"), environment: [:])
        let sessions = Sessions()
        app.add(Janitor(sessions: sessions))
        app.afterStop { await sessions.close() }
        try await withRunning(app) {}
        #expect(await sessions.isClosed)
    }

    struct Quota: ConfigurationSection, Equatable {
        var usersPerTenant = 1000
        var window = Duration.seconds(60)

        static let ranges = [OptionRange("users-per-tenant", \Quota.usersPerTenant, 1...1_000_000)]
        static let help = ["users-per-tenant": "how many users a tenant may have", "window": "how long a count holds"]
    }

    @Test func theSectionIsReadInBothForms() throws {
        let configuration = try Configuration(yaml: "quota: {users-per-tenant: 500, window: 30s}")
        let app = try App(configuration: configuration, environment: [:])
        let fixed = try app.configuration.decode(Quota.self, at: "quota")  // as it is at the start
        let quota = try app.live(Quota.self, at: "quota")  // follows changes
        #expect(fixed.usersPerTenant == 500)
        #expect(quota.value == fixed)
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        .standardizedFileURL

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The names in backquotes in one column of a page's tables, from a heading to the next.
    private static func names(_ page: String, below heading: String, column: Int) throws -> [String] {
        let lines = try text("docs/handbook/\(page)").split(separator: "\n")
        let section = lines.drop { $0 != "## \(heading)" }.dropFirst().prefix { !$0.hasPrefix("## ") }
        return section.filter { $0.hasPrefix("| ") }.flatMap { row in
            row.split(separator: "|")[column].matches(of: #/`([^`]+)`/#).map { String($0.output.1) }
        }
    }

    /// The metrics and the lines of the log that the handbook names for alerts are in the sources.
    @Test func namesForAlertsExist() throws {
        let names = try Self.names("production.md", below: "Alerts", column: 0)
        #expect(names.count > 10)
        let sources = Self.root.appending(path: "Sources")
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
            .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
        let code = try files.map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        for name in names {
            // Some names are of both sides.
            let general = name.replacing(#/\.(server|client)\./#, with: ".\\(side).")
            #expect(code.contains("\"\(name)\"") || code.contains("\"\(general)\""), "\(name)")
        }
    }

    /// An App makes its default middleware in the order of the handbook's table.
    @Test func theDefaultChainHasTheOrderOfTheHandbook() throws {
        let names = try Self.names("middleware-and-governance.md", below: "The default chain", column: 1)
        #expect(names.count > 10)
        let code = try Self.text("Sources/ServiceKit/App/App.swift")
        var rest = try #require(code.split(separator: "func useDefaultMiddleware()").last)
        for name in names where name != "app.use(…)" {
            let places = [" ", "("].compactMap { rest.firstRange(of: "\($0)\(name)(")?.upperBound }
            let place = try #require(places.min(), "\(name)")
            rest = rest[place...]
        }
    }
}
