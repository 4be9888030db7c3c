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

    /// The metrics and the lines of the log that the handbook names for alerts are in the sources.
    @Test func namesForAlertsExist() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardizedFileURL
        let page = try String(contentsOf: root.appending(path: "docs/handbook/production.md"), encoding: .utf8)
        let section = try #require(page.firstMatch(of: #/\n## Alerts\n([\s\S]*?)\n## /#)?.output.1)
        let names = section.split(separator: "\n").filter { $0.hasPrefix("| `") }.flatMap { row in
            row.split(separator: "|")[0].matches(of: #/`([^`]+)`/#).map { String($0.output.1) }
        }
        #expect(names.count > 10)
        let files = FileManager.default.enumerator(at: root.appending(path: "Sources"), includingPropertiesForKeys: nil)
        let sources = try #require(files).compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
        let code = try sources.map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        for name in names {
            // Some names are of both sides.
            let general = name.replacing(#/\.(server|client)\./#, with: ".\\(side).")
            #expect(code.contains("\"\(name)\"") || code.contains("\"\(general)\""), "\(name)")
        }
    }
}
