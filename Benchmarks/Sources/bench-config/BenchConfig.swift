import ArgumentParser
import BenchmarkConfiguration
import BenchmarkHarness
import Foundation
import Subprocess
import SystemPackage

/// Measures ServiceKitConfig beside Yams, and prints a table.
@main
struct BenchConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-config",
        abstract: "Measures ServiceKitConfig beside Yams; `ratio NAME VALUE` lines are for scripts."
    )

    @OptionGroup
    var options: BenchmarkOptions

    func run() async throws {
        let programs = FilePath(Bundle.main.executablePath ?? CommandLine.arguments[0]).removingLastComponent()
        let suite = ConfigurationSuite(programs: programs, divisor: options.quick ? 4 : 1)
        try await untilSignalled { try await options.measure(suite.all) }
    }
}

/// Every benchmark of the configuration, with its bar.
struct ConfigurationSuite: Sendable {
    /// The directory of the measured programs.
    var programs: FilePath
    /// The numbers of repetitions and reloads are divided by this, for a quick look.
    var divisor: Int

    var all: [Benchmark] { [decoding, wakes] }

    private var decoding: Benchmark {
        Benchmark(
            name: "config_decode",
            figure: "CPU of parsing and decoding 1 MiB, in ms, ours ÷ Yams",
            bar: .atMost(0.5),
            subjects: [
                Subject(name: "ours") { try await decode("bench-config-ours", ["decode"]) },
                Subject(name: "Yams") { try await decode("bench-config-yams", []) },
            ],
            ratio: { ours, theirs in ours / theirs }
        )
    }

    private var wakes: Benchmark {
        Benchmark(
            name: "config_wakes",
            figure: "observers that wake at a reload that changes one section of 100",
            bar: .exactly(1),
            subjects: [
                Subject(name: "ours") {
                    let report = try await run(
                        WakeReport.self, "bench-config-ours", ["wake", "--reloads", "\(200 / divisor)"])
                    return Sample(main: .init(value: Double(report.wakes) / Double(report.reloads), unit: "wakes"))
                }
            ]
        )
    }

    private func decode(_ program: String, _ arguments: [String]) async throws -> Sample {
        let report = try await run(
            DecodingReport.self, program, arguments + ["--repetitions", "\(20 / divisor)"])
        guard report.sample == Self.sample, report.services > 1000 else {
            throw MeasurementError(description: "read \(report.services) services, the seventh as \(report.sample)")
        }
        return Sample(
            main: .init(value: report.milliseconds, unit: "ms"),
            others: [.init(value: Double(report.services), unit: "services")])
    }

    private static let sample =
        "service-7.production.example.internal 8007 0.5 true [\"blue\", \"tier 3\", \"eu-west-1\"] "
        + "[\"team=team 7\", \"version=v1.7.0\"] 3 0.25 [4, 8, 14] [\"10.0.0.7:9000\", \"10.1.0.7:9000\"] "
        + "Serves the part 7 of the catalogue; its caches are warm after a minute."

    private func run<Report: Decodable>(
        _ type: Report.Type, _ program: String, _ arguments: [String]
    ) async throws -> Report {
        let output = try await output(of: .path(programs.appending(program)), arguments)
        return try JSONDecoder().decode(type, from: Data(output.utf8))
    }
}
