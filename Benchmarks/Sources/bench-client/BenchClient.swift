import ArgumentParser
import BenchmarkSupport
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCNghttp2Transport
import Logging
import ServiceKit
import ServiceKitGRPC

/// A client that measures itself and its servers: one connection to each, a number of calls in flight, a check of every
/// answer.
///
/// It ends without a report when its standard input ends.
@main
struct BenchClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-client")

    @Option(help: "The transport.")
    var transport: TransportKind

    @Option(
        name: .customLong("port"),
        help: "The port of a server on 127.0.0.1; once for each server. Only a channel calls several."
    )
    var ports: [Int]

    @Option(name: .customLong("server-process"), help: "The process id of a server; once for each server.")
    var serverProcesses: [Int32]

    @Option(help: "How many calls to measure.")
    var calls = 0

    @Option(help: "How many calls to make before the measured ones.")
    var warmUpCalls = 0

    @Option(help: "How many calls are under way at any time.")
    var inFlight = 1

    @Option(help: "How many bytes a message has.")
    var bytes = 100

    @Flag(help: "Run calls on the connection's event loop; nghttp2 only.")
    var onEventLoop = false

    @Flag(help: "Call through a channel that finds the server by the service's name; nghttp2 only.")
    var throughChannel = false

    @Flag(help: "Call without GRPCCore, as the code does that kit generates; only with --through-channel.")
    var direct = false

    @Option(help: "How many messages a call streams back; without it a call is unary.")
    var streamedMessages: Int?

    @Option(help: "Make no calls: let this many instances at the port join a channel, and measure that.")
    var fleet: Int?

    func validate() throws {
        guard self.ports.count == 1 || self.throughChannel else {
            throw ValidationError("several --port are for --through-channel")
        }
    }

    func run() async throws {
        exitAtEndOfStandardInput()
        if let fleet {
            try self.print(await Fleet(instances: fleet, port: self.ports[0]).run())
        } else {
            try self.print(await self.measure())
        }
    }

    private func print(_ report: some Encodable) throws {
        Swift.print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
    }

    private func measure() async throws -> ClientReport {
        switch self.transport {
        case .nghttp2 where self.throughChannel && self.direct:
            let channel = try self.channel()
            return try await channel.withConnections {
                try await self.measure(DirectEchoCall(channel: channel, bytes: self.bytes))
            }
        case .nghttp2 where self.throughChannel:
            return try await self.measure(try self.channel())
        case .nghttp2:
            return try await self.measure(
                Nghttp2ClientTransport(
                    target: .ipv4(host: "127.0.0.1", port: self.ports[0]),
                    config: .defaults { if self.onEventLoop { $0.callExecutor = .eventLoop } }
                )
            )
        case .nio:
            return try await self.measure(
                HTTP2ClientTransport.Posix(
                    target: .ipv4(address: "127.0.0.1", port: self.ports[0]),
                    transportSecurity: .plaintext
                )
            )
        }
    }

    /// The channel that an App calls through, with its default middleware and a time limit on every call.
    private func channel() throws -> ServiceChannel {
        let service = "benchmark"
        let endpoints = self.ports.map { Endpoint(scheme: "grpc", host: "127.0.0.1", port: $0) }
        var timeouts = Deadlines.Options()
        timeouts.default = .seconds(10)
        return try ServiceChannel(
            to: service,
            discoverer: try StaticRegistry(services: [service: endpoints]),
            middleware: [Deadlines(timeouts), CallLogging(logger: Logger(label: "bench-client"))]
        )
    }

    private func measure(_ transport: some ClientTransport) async throws -> ClientReport {
        try await withGRPCClient(transport: transport) { client in
            if let messages = self.streamedMessages {
                let request = StreamRequest(messages: messages, bytes: self.bytes)
                return try await self.measure(StreamCall(client: client, request: request))
            } else {
                return try await self.measure(EchoCall(client: client, bytes: self.bytes))
            }
        }
    }

    private func measure(_ call: some BenchmarkCall) async throws -> ClientReport {
        _ = try await CallLoad(call: call, calls: self.warmUpCalls, inFlight: self.inFlight).run(thorough: true)
        let servers = self.serverProcesses.map { ProcessUsage(processID: $0) }
        let client = ProcessUsage.current
        let start = (servers: try servers.cpuSeconds, client: try client.cpuSeconds, time: ContinuousClock.now)
        let latencies = try await CallLoad(call: call, calls: self.calls, inFlight: self.inFlight).run(thorough: false)
        let seconds = start.time.duration(to: .now) / .seconds(1)
        let (clientCPU, serverCPU) = (try client.cpuSeconds - start.client, try servers.cpuSeconds - start.servers)
        let sorted = latencies.sorted()
        return ClientReport(
            calls: self.calls,
            messages: self.calls * call.messagesPerCall,
            bytes: self.calls * call.bytesPerCall,
            seconds: seconds,
            clientCPUSeconds: clientCPU,
            serverCPUSeconds: serverCPU,
            p50Microseconds: Double(sorted[sorted.count / 2]) / 1000,
            p99Microseconds: Double(sorted[sorted.count * 99 / 100]) / 1000
        )
    }
}

extension [ProcessUsage] {
    /// The CPU time in seconds of all processes; see `ProcessUsage.cpuSeconds`.
    fileprivate var cpuSeconds: Double {
        get throws { try self.reduce(0) { try $0 + $1.cpuSeconds } }
    }
}
