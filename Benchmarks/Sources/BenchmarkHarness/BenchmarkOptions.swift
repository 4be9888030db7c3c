import ArgumentParser
import Foundation

/// The options that every suite has: the benchmarks to run, and how often.
package struct BenchmarkOptions: ParsableArguments, Sendable {
    @Option(help: "The benchmarks to run, by name, with commas between them.", transform: Self.names)
    var only: [String] = []

    @Option(help: "How often each figure is measured; the median counts.")
    var rounds: Int?

    @Flag(help: "A quick look: 3 rounds, with a quarter of the work.")
    package var quick = false

    /// How long one measurement may take.
    private static let limit = Duration.seconds(60)

    /// The defaults.
    package init() {}

    package func validate() throws {
        if let rounds = self.rounds, rounds < 1 { throw ValidationError("--rounds has to be 1 or more") }
    }

    /// Measures the requested benchmarks, and prints the table and the lines for scripts.
    ///
    /// - Throws: `ExitCode.failure` if a benchmark failed; `ValidationError` if a requested benchmark does not exist.
    package func measure(_ all: [Benchmark]) async throws {
        let benchmarks = try self.chosen(of: all)
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

    /// Measures every subject in every round, so that other load on the machine meets all of them.
    private func measure(_ benchmark: Benchmark, rounds: Int) async throws -> Report {
        var report = Report(benchmark)
        guard benchmark.skipped == nil else { return report }
        for round in 0..<rounds {
            // Every second round goes in the opposite order, so that coming first is no advantage.
            let order = benchmark.subjects.indices
            for index in round.isMultiple(of: 2) ? Array(order) : order.reversed() {
                let subject = benchmark.subjects[index]
                do {
                    report.add(try await withTimeLimit(Self.limit, subject.measure), of: index)
                } catch {
                    // A signal that ends this process is no failure of the benchmark.
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
