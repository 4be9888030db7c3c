import BenchmarkHarness
import SystemPackage

/// Calls that a limit of the server refuses.
struct Shedding: Sendable {
    let programs: FilePath
    let load: H2Load
    let hasLoad: Bool
    let calls: Int

    /// The CPU time of a call that an App refuses, beside one that it serves. Both are gRPC calls of 100 bytes; the served one
    /// is an echo, which no service is cheaper than.
    var benchmark: Benchmark {
        Benchmark(
            name: "shed_served",
            figure: "server CPU of a refused call ÷ a served one, an echo",
            bar: .atMost(0.1),
            subjects: [
                Subject(name: "refused") {
                    try await load.serverCPU(server("--refuse"), calls: calls, answers: .refusals)
                },
                Subject(name: "served") { try await load.serverCPU(server(), calls: calls) },
            ],
            ratio: { refused, served in refused / served },
            skipped: hasLoad ? nil : "no h2load"
        )
    }

    private func server(_ options: String...) -> ServerCommand {
        ServerCommand(
            program: programs.appending("bench-server"),
            arguments: ["--transport", "nghttp2", "--in-app", "--direct"] + options
        )
    }
}
