import ArgumentParser
import BenchmarkHarness
import Foundation
import SystemPackage

/// Measures the kit's transport and others in turn, and prints a table.
@main
struct BenchTransport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-transport",
        abstract: "Measures GRPCNghttp2Transport against other transports; `ratio NAME VALUE` lines are for scripts."
    )

    @OptionGroup
    var options: BenchmarkOptions

    @Option(help: "The program on grpc-go, built from Peers/go.")
    var grpcGo: String?

    @Option(help: "The directory with bench-server and bench-client of a plain release build, without flags.")
    var plain: String?

    func run() async throws {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(getpid())").path
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        IdleConnections.raiseFileLimit()
        try await untilSignalled { try await self.measure(in: scratch) }
    }

    private func measure(in scratch: String) async throws {
        let programs = FilePath(Bundle.main.executablePath ?? CommandLine.arguments[0]).removingLastComponent()
        let suite = Suite(
            measurements: Measurements(
                load: try H2Load(in: scratch),
                divisor: self.options.quick ? 4 : 1
            ),
            swift: Programs(in: programs),
            plain: self.plain.map { Programs(in: FilePath($0)) },
            grpcGo: self.grpcGo.map { GoProgram(FilePath($0)) },
            hasH2Load: await isInstalled(H2Load.program),
            certificate: await isInstalled(Certificate.program) ? try await Certificate(in: scratch) : nil
        )
        try await self.options.measure(suite.all)
    }
}
