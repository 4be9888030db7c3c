import ArgumentParser
import BenchmarkConfiguration
import BenchmarkSupport
import Foundation
import Yams

/// Parses and decodes a document with Yams. A program of its own: Yams has libyaml's symbols, as the kit does.
@main
struct BenchConfigYams: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-config-yams")

    @Option(help: "How often the document is decoded.")
    var repetitions = 10

    func run() throws {
        let report = try DecodingReport(repetitions: repetitions, cpuSeconds: { try ProcessUsage.current.cpuSeconds }) {
            try YAMLDecoder().decode(Fleet.self, from: $0)
        }
        print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
    }
}
