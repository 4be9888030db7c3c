import ArgumentParser
import BenchmarkSupport
import Foundation
import SystemPackage

/// Measures the transport and what it is compared with, in turn, and prints a table.
@main
struct BenchTransport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-transport",
        abstract: "Measures GRPCNghttp2Transport against other transports; `ratio NAME VALUE` lines are for scripts."
    )

    @Option(help: "The benchmarks to run, by name, with commas between them.", transform: Self.names)
    var only: [String] = []

    @Option(help: "How often each figure is measured; what counts is the median.")
    var rounds: Int?

    @Flag(help: "A quick look: 3 rounds, of a quarter of the calls.")
    var quick = false

    @Option(help: "The server on grpc-go, built from Peers/go.")
    var grpcGo: String?

    func run() async throws {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(getpid())").path
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        IdleConnections.raiseFileLimit()
        try await untilSignalled { try await self.measure(in: scratch) }
    }

    func validate() throws {
        if let rounds = self.rounds, rounds < 1 { throw ValidationError("--rounds has to be 1 or more") }
    }

    private func measure(in scratch: String) async throws {
        let programs = FilePath(Bundle.main.executablePath ?? CommandLine.arguments[0]).removingLastComponent()
        let suite = Suite(
            measurements: Measurements(
                load: try H2Load(in: scratch),
                client: programs.appending("bench-client"),
                divisor: self.quick ? 4 : 1
            ),
            server: programs.appending("bench-server"),
            hasH2Load: await isInstalled(H2Load.program),
            goServer: self.grpcGo.map { FilePath($0) },
            certificate: await isInstalled(Certificate.program) ? try await Certificate(in: scratch) : nil
        )
        let benchmarks = try self.chosen(of: suite.all)
        let rounds = self.rounds ?? (self.quick ? 3 : 5)
        print("\(rounds) rounds\(self.quick ? ", quick" : ""); \(Machine.description)")
        var reports: [Report] = []
        for benchmark in benchmarks {
            let report = try await self.measure(benchmark, rounds: rounds)
            print(report.rows)
            fflush(nil)
            reports.append(report)
        }
        print("at the end: \(Machine.description)\n")
        print(reports.map(\.ratioLine).joined(separator: "\n"))
        if reports.contains(where: { $0.value == nil && $0.benchmark.skipped == nil }) { throw ExitCode.failure }
    }

    /// Measures every subject in every round, so that what the machine does besides meets all of them.
    private func measure(_ benchmark: Benchmark, rounds: Int) async throws -> Report {
        var report = Report(benchmark)
        guard benchmark.skipped == nil else { return report }
        for round in 0..<rounds {
            // The other way round every second time: who comes first is no advantage.
            let order = benchmark.subjects.indices
            for index in round.isMultiple(of: 2) ? Array(order) : order.reversed() {
                let subject = benchmark.subjects[index]
                do {
                    report.add(try await withTimeLimit(.seconds(60), subject.measure), of: index)
                } catch {
                    // Told to end, this is no failure of the benchmark.
                    try Task.checkCancellation()
                    report.fail("\(benchmark.name) of \(subject.name): \(error)")
                    return report
                }
            }
        }
        return report
    }

    private func chosen(of benchmarks: [Benchmark]) throws -> [Benchmark] {
        let known = benchmarks.map(\.name)
        if let name = self.only.first(where: { !known.contains($0) }) {
            throw ValidationError("there is no benchmark \(name), but \(known.joined(separator: ", "))")
        }
        return self.only.isEmpty ? benchmarks : benchmarks.filter { self.only.contains($0.name) }
    }

    private static func names(_ text: String) -> [String] {
        text.split(separator: ",").map(String.init)
    }
}
