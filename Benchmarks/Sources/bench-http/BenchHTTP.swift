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
        abstract:
            "Measures HTTP against gRPC, Hummingbird, Envoy and SwiftProtobuf; `ratio NAME VALUE` lines are for scripts."
    )

    @Option(help: "The program envoy; without it rest_envoy is skipped.")
    var envoy: String?

    @Option(help: "The program servicekit-json-bench; without it json_encode and json_decode are skipped.")
    var json: String?

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
            envoy: envoy.map { FilePath($0) },
            skipped: await isInstalled(H2Load.program) ? nil : "no h2load"
        )
        let coders = JSONCoders(program: json.map { FilePath($0) }, milliseconds: options.quick ? 50 : 200)
        try await untilSignalled { try await options.measure(suite.benchmarks + coders.benchmarks) }
    }
}
