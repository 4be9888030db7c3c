import BenchmarkHarness
import BenchmarkSupport

/// The comparisons with grpc-swift-nio-transport.
extension Suite {
    var serverCPU: Benchmark {
        Benchmark(
            name: "server_cpu_nio",
            figure: "server CPU of a unary call, NIO ÷ ours",
            bar: .atLeast(7),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.serverCPU(self.swift.server(.nghttp2), calls: 40_000)
                },
                Subject(name: "NIO") { try await self.measurements.serverCPU(self.swift.server(.nio), calls: 12_000) },
                Subject(name: "NIO, services by type") {
                    try await self.measurements.serverCPU(self.swift.server(.nio, "--typed-services"), calls: 12_000)
                },
                Subject(name: "ours, handlers in the pool") {
                    try await self.measurements.serverCPU(
                        self.swift.server(.nghttp2, "--executor", "pool"), calls: 40_000)
                },
            ],
            ratio: { ours, theirs in theirs / ours },
            skipped: self.whyNoLoad
        )
    }

    var clientCPU: Benchmark {
        Benchmark(
            name: "client_cpu_nio",
            figure: "client CPU of a unary call, 64 in flight, NIO ÷ ours",
            bar: .atLeast(6),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.clientCPU(
                        self.swift.client(.nghttp2), of: self.swift.server(.nghttp2), calls: 30_000)
                },
                Subject(name: "NIO, with our server") {
                    try await self.measurements.clientCPU(
                        self.swift.client(.nio), of: self.swift.server(.nghttp2), calls: 8000)
                },
            ],
            ratio: { ours, theirs in theirs / ours }
        )
    }

    var latency: Benchmark {
        Benchmark(
            name: "latency_p50_nio",
            figure: "median time of a unary call, one in flight, NIO ÷ ours",
            bar: .atLeast(3),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.latency(
                        self.swift.client(.nghttp2), of: self.swift.server(.nghttp2), calls: 4000)
                },
                Subject(name: "NIO") {
                    try await self.measurements.latency(
                        self.swift.client(.nio), of: self.swift.server(.nio), calls: 2000)
                },
                Subject(name: "NIO, flush coalescing off") {
                    let server = self.swift.server(.nio, "--no-flush-coalescing")
                    return try await self.measurements.latency(self.swift.client(.nio), of: server, calls: 2000)
                },
            ],
            ratio: { ours, theirs in theirs / ours }
        )
    }

    var stream: Benchmark {
        Benchmark(
            name: "stream_1k_nio",
            figure: "1 KiB messages streamed per CPU second of the server, ours ÷ NIO",
            bar: .atLeast(5),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.stream(
                        self.swift.client(.nghttp2), of: self.swift.server(.nghttp2), messages: 400_000)
                },
                Subject(name: "NIO") {
                    try await self.measurements.stream(
                        self.swift.client(.nio), of: self.swift.server(.nio), messages: 80_000)
                },
                Subject(name: "NIO, with our client") {
                    try await self.measurements.stream(
                        self.swift.client(.nghttp2), of: self.swift.server(.nio), messages: 80_000)
                },
            ],
            ratio: { ours, theirs in ours / theirs }
        )
    }

    var large: Benchmark {
        Benchmark(
            name: "unary_1m_nio",
            figure: "bytes per CPU second of client and server, 1 MiB calls, ours ÷ NIO",
            bar: .atLeast(1.5),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.large(
                        self.swift.client(.nghttp2), of: self.swift.server(.nghttp2), calls: 400)
                },
                Subject(name: "NIO") {
                    try await self.measurements.large(self.swift.client(.nio), of: self.swift.server(.nio), calls: 200)
                },
            ],
            ratio: { ours, theirs in ours / theirs }
        )
    }

    var serverCPUWithTLS: Benchmark {
        Benchmark(
            name: "server_cpu_tls_nio",
            figure: "server CPU of a unary call over TLS, NIO ÷ ours",
            bar: .atLeast(4),
            subjects: [
                Subject(name: "ours") { try await self.measurements.serverCPU(self.tls(.nghttp2), calls: 40_000) },
                Subject(name: "NIO") { try await self.measurements.serverCPU(self.tls(.nio), calls: 12_000) },
            ],
            ratio: { ours, theirs in theirs / ours },
            skipped: self.whyNoTLS
        )
    }

    var appCPU: Benchmark {
        Benchmark(
            name: "app_cpu_nio",
            figure: "server CPU of a unary call, NIO ÷ ours in an App",
            bar: .atLeast(10),
            subjects: [
                Subject(name: "ours, in an App") {
                    try await self.measurements.serverCPU(self.swift.app, calls: 40_000)
                },
                Subject(name: "NIO") { try await self.measurements.serverCPU(self.swift.server(.nio), calls: 12_000) },
                Subject(name: "ours, in an App, by GRPCCore") {
                    try await self.measurements.serverCPU(self.swift.server(.nghttp2, "--in-app"), calls: 40_000)
                },
                Subject(name: "ours, without an App") {
                    try await self.measurements.serverCPU(self.swift.server(.nghttp2), calls: 40_000)
                },
            ],
            ratio: { ours, theirs in theirs / ours },
            skipped: self.whyNoLoad
        )
    }

    var channelCPU: Benchmark {
        Benchmark(
            name: "channel_cpu_nio",
            figure: "client CPU of a unary call, 64 in flight, NIO ÷ ours through a channel",
            bar: .atLeast(6),
            subjects: [
                Subject(name: "ours, through a channel") {
                    try await self.measurements.clientCPU(
                        self.swift.channel, of: self.swift.server(.nghttp2), calls: 30_000)
                },
                Subject(name: "NIO, with our server") {
                    try await self.measurements.clientCPU(
                        self.swift.client(.nio), of: self.swift.server(.nghttp2), calls: 8000)
                },
                Subject(name: "ours, through a channel, by GRPCCore") {
                    try await self.measurements.clientCPU(
                        self.swift.client(.nghttp2, "--through-channel"), of: self.swift.server(.nghttp2), calls: 30_000
                    )
                },
                Subject(name: "ours, without a channel") {
                    try await self.measurements.clientCPU(
                        self.swift.client(.nghttp2), of: self.swift.server(.nghttp2), calls: 30_000)
                },
            ],
            ratio: { ours, theirs in theirs / ours }
        )
    }
}
