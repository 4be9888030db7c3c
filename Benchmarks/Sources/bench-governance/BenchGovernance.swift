import ArgumentParser
import BenchmarkHarness
import Foundation
import SystemPackage

/// Measures the governance of calls, and prints a table.
@main
struct BenchGovernance: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-governance",
        abstract: "Measures balancers, middleware and limits; `ratio NAME VALUE` lines are for scripts."
    )

    @OptionGroup
    var options: BenchmarkOptions

    func run() async throws {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(getpid())").path
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let picks = options.quick ? 500_000 : 2_000_000
        let shedding = Shedding(
            programs: FilePath(Bundle.main.executablePath ?? CommandLine.arguments[0]).removingLastComponent(),
            load: try H2Load(in: scratch),
            workLoad: try H2Load(in: scratch, messageBytes: 4096),
            hasLoad: await isInstalled(H2Load.program),
            calls: options.quick ? 50_000 : 200_000
        )
        let benchmarks = Picks.all(picks) + Chains.all(picks / 10) + shedding.benchmarks
        try await untilSignalled { try await options.measure(benchmarks) }
    }
}
