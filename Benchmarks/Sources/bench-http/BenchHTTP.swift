import ArgumentParser
import BenchmarkHarness
import BenchmarkNotes
import Foundation
import SwiftProtobuf
import SystemPackage

/// Measures HTTP on the port of gRPC, and prints a table.
@main
struct BenchHTTP: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-http",
        abstract: "Measures HTTP against gRPC and Hummingbird; `ratio NAME VALUE` lines are for scripts."
    )

    @OptionGroup
    var options: BenchmarkOptions

    func run() async throws {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(getpid())").path
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let suite = try Suite(
            programs: FilePath(Bundle.main.executablePath ?? CommandLine.arguments[0]).removingLastComponent(),
            scratch: scratch,
            requests: options.quick ? 50_000 : 200_000,
            skipped: await isInstalled(H2Load.program) ? nil : "no h2load"
        )
        try await untilSignalled { try await options.measure(suite.benchmarks) }
    }
}
