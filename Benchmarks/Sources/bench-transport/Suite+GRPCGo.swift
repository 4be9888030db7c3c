import BenchmarkHarness
import BenchmarkSupport

/// The comparisons with grpc-go.
extension Suite {
    var serverCPUOfGo: Benchmark {
        Benchmark(
            name: "server_cpu_grpc_go",
            figure: "server CPU of a unary call, both at their defaults, ours ÷ grpc-go",
            bar: .atMost(0.85),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.serverCPU(self.swift.server(.nghttp2), calls: 40_000)
                },
                Subject(name: "grpc-go") { try await self.measurements.serverCPU(self.go().server(), calls: 40_000) },
            ],
            ratio: { ours, theirs in ours / theirs },
            skipped: self.whyNoGoLoad
        )
    }

    var serverCPUOfGoOnOneThread: Benchmark {
        Benchmark(
            name: "server_cpu_grpc_go_1",
            figure: "server CPU of a unary call, one thread, ours ÷ grpc-go",
            bar: .atMost(1.1),
            subjects: [
                Subject(name: "ours, handlers on its loop") {
                    let server = self.swift.server(.nghttp2, "--threads", "1", "--executor", "loop")
                    return try await self.measurements.serverCPU(server, calls: 40_000)
                },
                Subject(name: "grpc-go, GOMAXPROCS=1") {
                    try await self.measurements.serverCPU(self.go().server(["GOMAXPROCS": "1"]), calls: 40_000)
                },
            ],
            ratio: { ours, theirs in ours / theirs },
            skipped: self.whyNoGoLoad
        )
    }

    var appCPUOfGo: Benchmark {
        Benchmark(
            name: "app_cpu_grpc_go",
            figure: "server CPU of a unary call, both at their defaults, ours in an App ÷ grpc-go",
            bar: .atMost(0.7),
            subjects: [
                Subject(name: "ours, in an App") {
                    try await self.measurements.serverCPU(self.swift.app, calls: 40_000)
                },
                Subject(name: "grpc-go") { try await self.measurements.serverCPU(self.go().server(), calls: 40_000) },
            ],
            ratio: { ours, theirs in ours / theirs },
            skipped: self.whyNoGoLoad
        )
    }

    var channelCPUOfGo: Benchmark {
        Benchmark(
            name: "channel_cpu_grpc_go",
            figure: "client CPU of a unary call, 64 in flight, our channel ÷ grpc-go",
            bar: .atMost(0.8),
            subjects: [
                Subject(name: "ours, through a channel") {
                    try await self.measurements.clientCPU(
                        self.swift.channel, of: self.swift.server(.nghttp2), self.swift.server(.nghttp2), calls: 30_000
                    )
                },
                Subject(name: "grpc-go, with our servers") {
                    try await self.measurements.clientCPU(
                        self.go().client, of: self.swift.server(.nghttp2), self.swift.server(.nghttp2), calls: 30_000
                    )
                },
            ],
            ratio: { ours, theirs in ours / theirs },
            skipped: self.whyNoGo
        )
    }

    var latencyOfGo: Benchmark {
        Benchmark(
            name: "latency_p50_grpc_go",
            figure: "median time of a unary call, one in flight, our channel ÷ grpc-go",
            bar: .atMost(1.2),
            subjects: [
                Subject(name: "ours, through a channel") {
                    try await self.measurements.latency(
                        self.swift.channel, of: self.swift.server(.nghttp2), calls: 4000
                    )
                },
                Subject(name: "grpc-go") {
                    try await self.measurements.latency(self.go().client, of: self.go().server(), calls: 4000)
                },
                Subject(name: "ours, to an App") {
                    try await self.measurements.latency(self.swift.channel, of: self.swift.app, calls: 4000)
                },
                Subject(name: "grpc-go, with our server") {
                    try await self.measurements.latency(
                        self.go().client, of: self.swift.server(.nghttp2), calls: 4000
                    )
                },
            ],
            ratio: { ours, theirs in ours / theirs },
            skipped: self.whyNoGo
        )
    }

    var streamOfGo: Benchmark {
        Benchmark(
            name: "stream_1k_grpc_go",
            figure: "1 KiB messages streamed per CPU second of the server, ours in an App ÷ grpc-go",
            bar: .atLeast(1.5),
            subjects: [
                Subject(name: "ours, in an App") {
                    try await self.measurements.stream(
                        self.swift.client(.nghttp2), of: self.swift.app, messages: 400_000
                    )
                },
                Subject(name: "grpc-go, with our client") {
                    try await self.measurements.stream(
                        self.swift.client(.nghttp2), of: self.go().server(), messages: 400_000
                    )
                },
            ],
            ratio: { ours, theirs in ours / theirs },
            skipped: self.whyNoGo
        )
    }
}
