import BenchmarkHarness
import BenchmarkSupport

/// The comparisons of the kit's plain release build with the build with flags.
extension Suite {
    var plainServer: Benchmark {
        Benchmark(
            name: "plain_server",
            figure: "server CPU of a unary call in an App, plain build ÷ with flags",
            bar: .atMost(1.15),
            subjects: [
                Subject(name: "plain release build") {
                    try await self.measurements.serverCPU(self.plainPrograms().app, calls: 40_000)
                },
                Subject(name: "with flags") {
                    try await self.measurements.serverCPU(self.swift.app, calls: 40_000)
                },
            ],
            ratio: { plain, flags in plain / flags },
            skipped: self.whyNoLoad ?? self.whyNoPlain
        )
    }

    var plainClient: Benchmark {
        Benchmark(
            name: "plain_client",
            figure: "client CPU of a unary call by a channel, plain build ÷ with flags",
            bar: .atMost(1.15),
            subjects: [
                Subject(name: "plain release build") {
                    try await self.measurements.clientCPU(
                        self.plainPrograms().channel, of: self.swift.server(.nghttp2), self.swift.server(.nghttp2),
                        calls: 30_000
                    )
                },
                Subject(name: "with flags") {
                    try await self.measurements.clientCPU(
                        self.swift.channel, of: self.swift.server(.nghttp2), self.swift.server(.nghttp2), calls: 30_000
                    )
                },
            ],
            ratio: { plain, flags in plain / flags },
            skipped: self.whyNoPlain
        )
    }
}
