import BenchmarkHarness
import BenchmarkSupport

/// The measurements of servers, and of pairs of client and server.
struct Measurements: Sendable {
    var load: H2Load

    /// The numbers of calls are divided by this, for a quick look.
    var divisor: Int

    /// The CPU time that a server takes for a unary call, with h2load as the client.
    func serverCPU(_ command: ServerCommand, calls: Int) async throws -> Sample {
        try await self.load.serverCPU(command, calls: calls / self.divisor)
    }

    /// The CPU time that a client takes for a unary call, 64 of them in flight on one connection to each server.
    func clientCPU(_ client: ClientCommand, of servers: ServerCommand..., calls: Int) async throws -> Sample {
        let report = try await self.report(client, servers, .init(calls: calls / self.divisor, inFlight: 64))
        return Sample(
            main: .init(value: report.clientCPUSeconds / Double(report.calls) * 1e6, unit: "µs/call"),
            others: [.init(value: Double(report.calls) / report.seconds, unit: "calls/s")] + report.latencies
        )
    }

    /// The median time of a unary call, one at a time.
    func latency(_ client: ClientCommand, of server: ServerCommand, calls: Int) async throws -> Sample {
        let report = try await self.report(client, [server], .init(calls: calls / self.divisor))
        return Sample(
            main: .init(value: report.p50Microseconds, unit: "µs p50"),
            others: [.init(value: report.p99Microseconds, unit: "µs p99")]
        )
    }

    /// The messages that a server streams in a second of its CPU time: 1 KiB each, on 8 streams of one connection.
    func stream(_ client: ClientCommand, of server: ServerCommand, messages: Int) async throws -> Sample {
        let calls = 80
        let load = ClientLoad(
            calls: calls, inFlight: 8, bytes: 1024, streamedMessages: messages / calls / self.divisor
        )
        let report = try await self.report(client, [server], load)
        let total = report.clientCPUSeconds + report.serverCPUSeconds
        return Sample(
            main: .init(value: Double(report.messages) / report.serverCPUSeconds / 1000, unit: "k/CPU s of the server"),
            others: [
                .init(value: Double(report.messages) / total / 1000, unit: "k/CPU s of both"),
                .init(value: Double(report.messages) / report.seconds / 1000, unit: "k/s"),
            ]
        )
    }

    /// The bytes that client and server move in a second of their CPU time: 1 MiB to and fro, 4 calls at a time.
    func large(_ client: ClientCommand, of server: ServerCommand, calls: Int) async throws -> Sample {
        let load = ClientLoad(calls: calls / self.divisor, inFlight: 4, bytes: 1 << 20)
        let report = try await self.report(client, [server], load)
        let total = report.clientCPUSeconds + report.serverCPUSeconds
        let mebibytes = Double(report.bytes) / Double(1 << 20)
        return Sample(
            main: .init(value: mebibytes / total, unit: "MiB/CPU s of both"),
            others: [
                .init(value: mebibytes / report.serverCPUSeconds, unit: "MiB/CPU s of the server"),
                .init(value: mebibytes / report.seconds, unit: "MiB/s"),
            ] + report.latencies
        )
    }

    /// The CPU time of a client for each of the instances that join one channel within a second, all of them at one
    /// server.
    func fleetJoin(_ client: ClientCommand, of server: ServerCommand, instances: Int) async throws -> Sample {
        let report: FleetReport = try await RunningServer.with(server) { server in
            try await client.run(["--fleet", "\(instances)"], on: [server])
        }
        return Sample(
            main: .init(value: report.cpuSeconds / Double(report.instances) * 1e6, unit: "µs/instance"),
            others: [.init(value: report.seconds, unit: "s")]
        )
    }

    /// The resident memory that a server gains for each idle connection.
    func idleConnection(_ command: ServerCommand, connections: Int) async throws -> Sample {
        let path = "/benchmark.Benchmark/Echo"
        let message = [UInt8](repeating: 1, count: 100)
        return try await RunningServer.with(command) { server in
            // The first connections cost more than the ones that follow.
            var warmUp = IdleConnections()
            try warmUp.open(20, port: server.port, path: path, message: message)
            let before = try await server.usage.settledKiB()
            var idle = IdleConnections()
            try idle.open(connections, port: server.port, path: path, message: message)
            let after = try await server.usage.settledKiB()
            return Sample(
                main: .init(value: Double(after - before) / Double(connections), unit: "KiB"),
                others: [.init(value: Double(after) / 1024, unit: "MiB in all")]
            )
        }
    }

    private func report(
        _ client: ClientCommand,
        _ servers: [ServerCommand],
        _ load: ClientLoad
    ) async throws -> ClientReport {
        try await RunningServer.with(servers) { try await client.run(load.arguments, on: $0) }
    }
}

extension ClientReport {
    fileprivate var latencies: [Sample.Figure] {
        [
            .init(value: self.p50Microseconds, unit: "µs p50"),
            .init(value: self.p99Microseconds, unit: "µs p99"),
        ]
    }
}
