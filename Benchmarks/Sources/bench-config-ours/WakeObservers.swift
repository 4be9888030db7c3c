import ArgumentParser
import BenchmarkConfiguration
import Foundation
import Logging
import ServiceKit
import ServiceKitConfig
import Synchronization

/// Reloads a configuration in which one section has changed, and counts the observers that wake.
struct WakeObservers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "wake")

    @Option(help: "How many sections there are, each with an observer.")
    var sections = 100

    @Option(help: "How many reloads there are. Each changes one section.")
    var reloads = 50

    /// A source of one document.
    private struct Document: ConfigurationSource {
        let name = "benchmark"
        let isRequired = true
        let yaml: Watched<String>

        func run(report: @escaping @Sendable (ConfigurationSourceState) -> Void) async {
            for await yaml in yaml.values {
                report(.loaded([ConfigurationDocument(origin: "benchmark", bytes: Array(yaml.utf8))]))
            }
        }
    }

    func run() async throws {
        let document = Watched(yaml(0))
        var options = ConfigurationStore.Options()
        options.debounce = .milliseconds(1)
        let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
        let store = ConfigurationStore(
            sources: [Document(yaml: document)], environment: [:], options: options, logger: logger)
        try await store.start()
        let wakes = Watched([Int](repeating: 0, count: sections))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await store.run() }
            for number in 0..<sections {
                let section = try store.live(Fleet.Service.self, at: "services.service-\(number)")
                group.addTask { for await _ in section { wakes.update { $0[number] += 1 } } }
            }
            // Each observer begins with the value at the start.
            _ = await wakes.first { !$0.contains(0) }
            for reload in 1...reloads {
                document.set(yaml(reload))
                _ = await wakes.first { $0[0] == 1 + reload }
            }
            // An observer that has been woken without a change shows in its count by now: it was due before the next reload.
            let all = wakes.value.reduce(0, +) - sections
            print(
                String(
                    decoding: try JSONEncoder().encode(WakeReport(reloads: reloads, wakes: all)), as: UTF8.self))
            group.cancelAll()
        }
    }

    /// A configuration in which the first section has this port.
    private func yaml(_ port: Int) -> String {
        var yaml = "services:\n"
        for number in 0..<sections {
            yaml +=
                "  service-\(number): {host: h, port: \(number == 0 ? port : 1), endpoints: [{zone: a, address: b}]}\n"
        }
        return yaml
    }
}
