import ArgumentParser
public import BenchmarkConfiguration
import BenchmarkSupport
import Foundation
public import ServiceKitConfig

extension Fleet: ConfigurationSection {}
extension Fleet.Service: ConfigurationSection {}
extension Fleet.Retry: ConfigurationSection {}
extension Fleet.Endpoint: ConfigurationSection {}

/// Does one thing with ServiceKitConfig, in a process of its own, and prints its measurement as JSON.
@main
struct BenchConfigOurs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-config-ours",
        subcommands: [DecodeDocument.self, WakeObservers.self]
    )
}

/// Parses and decodes a document: types with defaults, unknown keys refused, a place for each value.
struct DecodeDocument: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "decode")

    @Option(help: "How often the document is decoded.")
    var repetitions = 10

    func run() throws {
        let report = try DecodingReport(repetitions: repetitions, cpuSeconds: { try ProcessUsage.current.cpuSeconds }) {
            try Configuration(yaml: $0).decode(Fleet.self, at: "")
        }
        print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
    }
}
