import BenchmarkHarness
import BenchmarkSupport

/// Every benchmark of the transport, with its bar.
struct Suite: Sendable {
    var measurements: Measurements

    /// The programs that are measured.
    var swift: Programs

    /// The same programs, built without flags; `nil` where they were not built.
    var plain: Programs?

    /// The program on grpc-go; `nil` where it was not built.
    var grpcGo: GoProgram?

    /// Whether h2load is installed.
    var hasH2Load: Bool

    /// The certificate of servers with TLS; `nil` where it could not be made.
    var certificate: Certificate?

    var all: [Benchmark] {
        [
            self.serverCPU, self.clientCPU, self.latency, self.serverCPUOfGo, self.serverCPUOfGoOnOneThread,
            self.stream, self.large, self.idleConnection, self.serverCPUWithTLS, self.appCPU, self.appCPUOfGo,
            self.channelCPU, self.channelCPUOfGo, self.latencyOfGo, self.streamOfGo, self.plainServer,
            self.plainClient, self.fleetJoin,
        ]
    }

    private var idleConnection: Benchmark {
        Benchmark(
            name: "idle_connection_kib",
            figure: "KiB of server memory for each of 1,000 idle connections",
            bar: .atMost(40),
            subjects: [
                Subject(name: "ours") {
                    try await self.measurements.idleConnection(self.swift.server(.nghttp2), connections: 1000)
                },
                Subject(name: "NIO") {
                    try await self.measurements.idleConnection(self.swift.server(.nio), connections: 1000)
                },
            ]
        )
    }

    private var fleetJoin: Benchmark {
        Benchmark(
            name: "fleet_join_cpu",
            figure: "client CPU for each instance that joins a channel, 10,000 instances ÷ 1,000",
            bar: .atMost(1.3),
            subjects: [
                Subject(name: "10,000 instances") {
                    try await self.measurements.fleetJoin(
                        self.swift.client(.nghttp2), of: self.swift.server(.nghttp2), instances: 10_000)
                },
                Subject(name: "1,000 instances") {
                    try await self.measurements.fleetJoin(
                        self.swift.client(.nghttp2), of: self.swift.server(.nghttp2), instances: 1000)
                },
            ],
            ratio: { many, few in many / few }
        )
    }

    func tls(_ transport: TransportKind) throws -> ServerCommand {
        guard let certificate = self.certificate else { throw MeasurementError(description: "there is no certificate") }
        var server = self.swift.server(transport, "--tls", certificate.certificate, certificate.key)
        server.scheme = "https"
        return server
    }

    func go() throws -> GoProgram {
        guard let program = self.grpcGo else { throw MeasurementError(description: "there is no program on grpc-go") }
        return program
    }

    func plainPrograms() throws -> Programs {
        guard let programs = self.plain else { throw MeasurementError(description: "there is no plain release build") }
        return programs
    }

    var whyNoLoad: String? {
        self.hasH2Load ? nil : "no h2load"
    }

    var whyNoGo: String? {
        self.grpcGo == nil ? "no program on grpc-go" : nil
    }

    var whyNoGoLoad: String? {
        self.whyNoLoad ?? self.whyNoGo
    }

    var whyNoPlain: String? {
        self.plain == nil ? "no plain release build" : nil
    }

    var whyNoTLS: String? {
        self.whyNoLoad ?? (self.certificate == nil ? "no openssl" : nil)
    }
}
