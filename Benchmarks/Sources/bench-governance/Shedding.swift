import BenchmarkHarness
import SystemPackage

/// Calls that a limit of the server refuses.
struct Shedding: Sendable {
    let programs: FilePath
    let load: H2Load
    /// The load for a server that works.
    let workLoad: H2Load
    let hasLoad: Bool
    let calls: Int

    /// The CPU time of a call that an App refuses, beside one that it serves: an echo of 100 bytes, which no service is cheaper
    /// than, and a service that reads and writes 4 KiB and computes for some 200 µs.
    var benchmarks: [Benchmark] {
        [
            benchmark("shed_served", "an echo", .atMost(0.3), load, calls, []),
            benchmark("shed_served_work", "200 µs of work", .atMost(0.1), workLoad, calls / 8, ["--work"]),
        ]
    }

    private func benchmark(
        _ name: String, _ service: String, _ bar: Bar, _ load: H2Load, _ calls: Int, _ options: [String]
    ) -> Benchmark {
        Benchmark(
            name: name,
            figure: "server CPU of a refused call ÷ a served one, \(service)",
            bar: bar,
            subjects: [
                Subject(name: "refused") {
                    try await load.serverCPU(server(options + ["--refuse"]), calls: calls, answers: .refusals)
                },
                Subject(name: "served") { try await load.serverCPU(server(options), calls: calls) },
            ],
            ratio: { refused, served in refused / served },
            skipped: hasLoad ? nil : "no h2load"
        )
    }

    private func server(_ options: [String]) -> ServerCommand {
        ServerCommand(
            program: programs.appending("bench-server"),
            arguments: ["--transport", "nghttp2", "--in-app", "--direct"] + options
        )
    }
}
