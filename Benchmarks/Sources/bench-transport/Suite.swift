import BenchmarkHarness
import BenchmarkSupport
import SystemPackage

/// Every benchmark of the transport, with its bar.
struct Suite: Sendable {
    var measurements: Measurements

    /// The program `bench-server`.
    var server: FilePath

    /// Whether h2load is installed.
    var hasH2Load: Bool

    /// The server on grpc-go; `nil` where it was not built.
    var goServer: FilePath?

    /// The certificate of servers with TLS; `nil` where it could not be made.
    var certificate: Certificate?

    var all: [Benchmark] {
        [
            self.serverCPU, self.clientCPU, self.latency, self.serverCPUOfGo, self.serverCPUOfGoOnOneThread,
            self.stream, self.large, self.idleConnection, self.serverCPUWithTLS, self.appCPU, self.appCPUOfGo,
            self.channelCPU, self.fleetJoin,
        ]
    }

    private var serverCPU: Benchmark {
        Benchmark(
            name: "server_cpu_nio",
            figure: "server CPU of a unary call, NIO ÷ ours",
            bar: .atLeast(7),
            subjects: [
                Subject(name: "ours") { try await self.measurements.serverCPU(self.swift(.nghttp2), calls: 40_000) },
                Subject(name: "NIO") { try await self.measurements.serverCPU(self.swift(.nio), calls: 12_000) },
                Subject(name: "NIO, services by type") {
                    try await self.measurements.serverCPU(self.swift(.nio, "--typed-services"), calls: 12_000)
                },
                Subject(name: "ours, handlers in the pool") {
                    try await self.measurements.serverCPU(self.swift(.nghttp2, "--executor", "pool"), calls: 40_000)
                },
            ],
            ratio: { ours, theirs in theirs / ours },
            skipped: self.whyNoLoad
        )
    }

    private var clientCPU: Benchmark {
        Benchmark(
            name: "client_cpu_nio",
            figure: "client CPU of a unary call, 64 in flight, NIO ÷ ours",
            bar: .atLeast(6),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.clientCPU(.nghttp2, of: self.swift(.nghttp2), calls: 30_000)
                },
                Subject(name: "NIO, with our server") {
                    try await self.measurements.clientCPU(.nio, of: self.swift(.nghttp2), calls: 8000)
                },
            ],
            ratio: { ours, theirs in theirs / ours }
        )
    }

    private var latency: Benchmark {
        Benchmark(
            name: "latency_p50_nio",
            figure: "median time of a unary call, one in flight, NIO ÷ ours",
            bar: .atLeast(3),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.latency(.nghttp2, of: self.swift(.nghttp2), calls: 4000)
                },
                Subject(name: "NIO") { try await self.measurements.latency(.nio, of: self.swift(.nio), calls: 2000) },
                Subject(name: "NIO, flush coalescing off") {
                    let server = self.swift(.nio, "--no-flush-coalescing")
                    return try await self.measurements.latency(.nio, of: server, calls: 2000)
                },
            ],
            ratio: { ours, theirs in theirs / ours }
        )
    }

    private var serverCPUOfGo: Benchmark {
        Benchmark(
            name: "server_cpu_grpc_go",
            figure: "server CPU of a unary call, both at their defaults, ours ÷ grpc-go",
            bar: .atMost(0.85),
            subjects: [
                Subject(name: "ours") { try await self.measurements.serverCPU(self.swift(.nghttp2), calls: 40_000) },
                Subject(name: "grpc-go") { try await self.measurements.serverCPU(self.grpcGo(), calls: 40_000) },
            ],
            ratio: { ours, theirs in ours / theirs },
            skipped: self.whyNoGo
        )
    }

    private var serverCPUOfGoOnOneThread: Benchmark {
        Benchmark(
            name: "server_cpu_grpc_go_1",
            figure: "server CPU of a unary call, one thread, ours ÷ grpc-go",
            bar: .atMost(1.1),
            subjects: [
                Subject(name: "ours, handlers on its loop") {
                    let server = self.swift(.nghttp2, "--threads", "1", "--executor", "loop")
                    return try await self.measurements.serverCPU(server, calls: 40_000)
                },
                Subject(name: "grpc-go, GOMAXPROCS=1") {
                    try await self.measurements.serverCPU(self.grpcGo(["GOMAXPROCS": "1"]), calls: 40_000)
                },
            ],
            ratio: { ours, theirs in ours / theirs },
            skipped: self.whyNoGo
        )
    }

    private var stream: Benchmark {
        Benchmark(
            name: "stream_1k_nio",
            figure: "1 KiB messages streamed per CPU second of the server, ours ÷ NIO",
            bar: .atLeast(5),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.stream(.nghttp2, of: self.swift(.nghttp2), messages: 400_000)
                },
                Subject(name: "NIO") {
                    try await self.measurements.stream(.nio, of: self.swift(.nio), messages: 80_000)
                },
                Subject(name: "NIO, with our client") {
                    try await self.measurements.stream(.nghttp2, of: self.swift(.nio), messages: 80_000)
                },
            ],
            ratio: { ours, theirs in ours / theirs }
        )
    }

    private var large: Benchmark {
        Benchmark(
            name: "unary_1m_nio",
            figure: "bytes per CPU second of client and server, 1 MiB calls, ours ÷ NIO",
            bar: .atLeast(1.5),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.large(.nghttp2, of: self.swift(.nghttp2), calls: 400)
                },
                Subject(name: "NIO") { try await self.measurements.large(.nio, of: self.swift(.nio), calls: 200) },
            ],
            ratio: { ours, theirs in ours / theirs }
        )
    }

    private var idleConnection: Benchmark {
        Benchmark(
            name: "idle_connection_kib",
            figure: "KiB of server memory for each of 1,000 idle connections",
            bar: .atMost(40),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.idleConnection(self.swift(.nghttp2), connections: 1000)
                },
                Subject(name: "NIO") {
                    try await self.measurements.idleConnection(self.swift(.nio), connections: 1000)
                },
            ]
        )
    }

    private var serverCPUWithTLS: Benchmark {
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

    private var appCPU: Benchmark {
        Benchmark(
            name: "app_cpu_nio",
            figure: "server CPU of a unary call, NIO ÷ ours in an App",
            bar: .atLeast(10),
            subjects: [
                Subject(name: "ours, in an App") {
                    try await self.measurements.serverCPU(self.swift(.nghttp2, "--in-app", "--direct"), calls: 40_000)
                },
                Subject(name: "NIO") { try await self.measurements.serverCPU(self.swift(.nio), calls: 12_000) },
                Subject(name: "ours, in an App, by GRPCCore") {
                    try await self.measurements.serverCPU(self.swift(.nghttp2, "--in-app"), calls: 40_000)
                },
                Subject(name: "ours, without an App") {
                    try await self.measurements.serverCPU(self.swift(.nghttp2), calls: 40_000)
                },
            ],
            ratio: { ours, theirs in theirs / ours },
            skipped: self.whyNoLoad
        )
    }

    private var appCPUOfGo: Benchmark {
        Benchmark(
            name: "app_cpu_grpc_go",
            figure: "server CPU of a unary call, both at their defaults, ours in an App ÷ grpc-go",
            bar: .atMost(0.7),
            subjects: [
                Subject(name: "ours, in an App") {
                    try await self.measurements.serverCPU(self.swift(.nghttp2, "--in-app", "--direct"), calls: 40_000)
                },
                Subject(name: "grpc-go") { try await self.measurements.serverCPU(self.grpcGo(), calls: 40_000) },
            ],
            ratio: { ours, theirs in ours / theirs },
            skipped: self.whyNoGo
        )
    }

    private var channelCPU: Benchmark {
        Benchmark(
            name: "channel_cpu_nio",
            figure: "client CPU of a unary call, 64 in flight, NIO ÷ ours through a channel",
            bar: .atLeast(6),
            subjects: [
                Subject(name: "ours, through a channel") {
                    try await self.measurements.clientCPU(
                        .nghttp2, of: self.swift(.nghttp2), calls: 30_000, throughChannel: true, direct: true
                    )
                },
                Subject(name: "NIO, with our server") {
                    try await self.measurements.clientCPU(.nio, of: self.swift(.nghttp2), calls: 8000)
                },
                Subject(name: "ours, through a channel, by GRPCCore") {
                    try await self.measurements.clientCPU(
                        .nghttp2, of: self.swift(.nghttp2), calls: 30_000, throughChannel: true
                    )
                },
                Subject(name: "ours, without a channel") {
                    try await self.measurements.clientCPU(.nghttp2, of: self.swift(.nghttp2), calls: 30_000)
                },
            ],
            ratio: { ours, theirs in theirs / ours }
        )
    }

    private var fleetJoin: Benchmark {
        Benchmark(
            name: "fleet_join_cpu",
            figure: "client CPU for each instance that joins a channel, 10,000 instances ÷ 1,000",
            bar: .atMost(1.3),
            subjects: [
                Subject(name: "10,000 instances") {
                    try await self.measurements.fleetJoin(self.swift(.nghttp2), instances: 10_000)
                },
                Subject(name: "1,000 instances") {
                    try await self.measurements.fleetJoin(self.swift(.nghttp2), instances: 1000)
                },
            ],
            ratio: { many, few in many / few }
        )
    }

    private func swift(_ transport: TransportKind, _ options: String...) -> ServerCommand {
        ServerCommand(program: self.server, arguments: ["--transport", transport.rawValue] + options)
    }

    private func tls(_ transport: TransportKind) throws -> ServerCommand {
        guard let certificate = self.certificate else { throw MeasurementError(description: "there is no certificate") }
        var server = self.swift(transport, "--tls", certificate.certificate, certificate.key)
        server.scheme = "https"
        return server
    }

    private func grpcGo(_ environment: [String: String] = [:]) throws -> ServerCommand {
        guard let program = self.goServer else { throw MeasurementError(description: "there is no server on grpc-go") }
        return ServerCommand(program: program, environment: environment)
    }

    private var whyNoLoad: String? {
        self.hasH2Load ? nil : "no h2load"
    }

    private var whyNoGo: String? {
        self.whyNoLoad ?? (self.goServer == nil ? "no server on grpc-go" : nil)
    }

    private var whyNoTLS: String? {
        self.whyNoLoad ?? (self.certificate == nil ? "no openssl" : nil)
    }
}
