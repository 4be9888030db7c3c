#if DEBUG
import Foundation
import GRPCCore
import Logging
import NIOPosix
import ServiceKit
import ServiceKitGRPC
import Synchronization

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Calls of all kinds against two servers, over plain connections, through a proxy that kills connections, and over TLS.
/// Servers and clients of both paths are mixed: direct handlers and stubs, and GRPCCore's.
///
/// It goes on in rounds: load, then silence, in which everything must return to its state before.
struct SoakLoad {
    let duration: Duration
    let callers: Int
    let seed: UInt64
    let certificates: String?

    private static let round = Duration.seconds(30)
    /// A call that takes longer has no outcome.
    private static let longestCall = Duration.seconds(60)

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    func run() async throws {
        let tally = SoakTally()
        var memory = SoakMemory()
        let servers = try makeServers()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for server in servers { group.addTask { try await server.serve() } }
            let plain = try await servers[0].transport.listeningAddress
            let proxy = try await ChaosProxy(to: plain.port ?? 0)
            let clients = try await makeClients(servers, proxyPort: proxy.port)
            for client in clients.bare { group.addTask { try await client.runConnections() } }
            for channel in clients.channels { group.addTask { try await channel.connect() } }
            let start = ContinuousClock.now
            var round: UInt64 = 0
            while start.duration(to: .now) < duration {
                round += 1
                try await load(clients.all, proxy, round: round, tally)
                try await awaitSilence(servers)
                try clients.checkSilence()
                memory.sample()
                print("\(start.duration(to: .now)) \(tally.summary); resident: \(memory.last) KiB")
                fflush(nil)
            }
            for client in clients.bare { client.beginGracefulShutdown() }
            for channel in clients.channels { channel.beginGracefulShutdown() }
            try await proxy.stop()
            for server in servers { server.beginGracefulShutdown() }
            try await group.waitForAll()
        }
        try tally.check()
        try memory.check()
        print("soak: passed; \(tally.summary); resident: \(memory.summary)")
    }

    private func makeServers() throws -> [GRPCServer<Nghttp2ServerTransport>] {
        var config = Nghttp2ServerTransport.Config.defaults
        // Few, so that clients queue calls and make more connections.
        config.maxConcurrentCallsPerConnection = 8
        config.maxConnectionAge = .seconds(7)
        config.keepalive.time = .seconds(2)
        config.handlerExecutor = .globalPool
        var servers = [
            GRPCServer(
                transport: Nghttp2ServerTransport(
                    address: .ipv4(host: "127.0.0.1", port: 0),
                    transportSecurity: .plaintext,
                    config: config,
                    hook: SoakHook(),
                    direct: SoakService.direct,
                    logger: Logger(label: "soak")
                ),
                services: [SoakService.soak]
            )
        ]
        if let certificates {
            config.handlerExecutor = .eventLoop
            let security = Nghttp2ServerTransport.TransportSecurity.tls(
                certificateChain: [.file(path: certificates + "/cert.pem", format: .pem)],
                privateKey: .file(path: certificates + "/key.pem", format: .pem)
            )
            servers.append(
                GRPCServer(
                    transport: Nghttp2ServerTransport(
                        address: .ipv4(host: "127.0.0.1", port: 0),
                        transportSecurity: security,
                        config: config,
                        hook: SoakHook(),
                        direct: SoakService.direct,
                        logger: Logger(label: "soak")
                    ),
                    services: [SoakService.soak]
                )
            )
        }
        return servers
    }

    /// The clients of each server.
    private struct Clients {
        var bare: [GRPCClient<Nghttp2ClientTransport>] = []
        var channels: [ServiceChannel] = []

        /// The clients of each path; a channel serves both.
        var all: [any SoakClient] { bare + channels + channels.map(\.client) }

        /// Checks that channels without calls know it.
        func checkSilence() throws {
            for snapshot in channels.map({ $0.snapshot() }) where snapshot.callsInFlight + snapshot.callsWaiting > 0 {
                throw Failure(description: "a channel counts calls after the last: \(snapshot)")
            }
        }
    }

    private func makeClients(
        _ servers: [GRPCServer<Nghttp2ServerTransport>],
        proxyPort: Int
    ) async throws -> Clients {
        var config = Nghttp2ClientTransport.Config.defaults
        config.maxConnectionIdle = .seconds(2)
        config.backoff.max = .milliseconds(500)
        // The server's policy is five minutes, and data in between clears the strikes. Some clients exceed it all the
        // same.
        config.keepalive.time = .seconds(3)
        var options = ChannelOptions()
        options.maxConnectionIdle = .seconds(2)
        options.backoff.max = .milliseconds(500)
        options.keepalive.time = .seconds(3)
        var clients = Clients()
        for address in [
            try await servers[0].transport.listeningAddress, TransportAddress.ipv4(host: "127.0.0.1", port: proxyPort),
        ] {
            clients.bare.append(GRPCClient(transport: Nghttp2ClientTransport(target: address, config: config)))
            clients.channels.append(try Self.channel(to: address, options))
        }
        if servers.count > 1 {
            let address = try await servers[1].transport.listeningAddress
            let security = ClientTransportSecurity.tls { tls in
                tls.trustRoots = .certificates([.file(path: (certificates ?? "") + "/cert.pem", format: .pem)])
                tls.serverHostname = "localhost"
            }
            config.callExecutor = .eventLoop
            clients.bare.append(
                GRPCClient(
                    transport: Nghttp2ClientTransport(target: address, transportSecurity: security, config: config))
            )
            options.tls.ca = (certificates ?? "") + "/cert.pem"
            options.tls.serverName = "localhost"
            clients.channels.append(try Self.channel(to: address, options))
        }
        return clients
    }

    private static func channel(to address: TransportAddress, _ options: ChannelOptions) throws -> ServiceChannel {
        let scheme = options.tls.ca == nil ? "grpc" : "grpcs"
        let endpoint = Endpoint(scheme: scheme, host: address.host ?? "", port: address.port ?? 0)
        let registry = try StaticRegistry(services: ["soak": [endpoint]])
        return try ServiceChannel(to: "soak", discoverer: registry, options: options, logger: Logger(label: "soak"))
    }

    /// One round of load.
    private func load(
        _ clients: [any SoakClient],
        _ proxy: ChaosProxy,
        round: UInt64,
        _ tally: SoakTally
    ) async throws {
        let end = ContinuousClock.now + min(Self.round, duration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<callers {
                let client = clients[caller % clients.count]
                let seed = self.seed &+ round << 32 &+ UInt64(caller)
                group.addTask {
                    var generator = SoakRandom(seed: seed)
                    while ContinuousClock.now < end {
                        let call = SoakCall(using: &generator)
                        try await make(call, client, tally)
                    }
                }
            }
            group.addTask {
                var generator = SoakRandom(seed: self.seed &+ round)
                while ContinuousClock.now < end {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 1...400, using: &generator)))
                    proxy.kill(using: &generator)
                }
            }
            try await group.waitForAll()
        }
    }

    private func make(_ call: SoakCall, _ client: any SoakClient, _ tally: SoakTally) async throws {
        let outcome = try await withThrowingTaskGroup(of: SoakTally.Outcome?.self) { group in
            group.addTask {
                do {
                    try await call.run(client)
                    return .answered
                } catch {
                    return .failed(error, call)
                }
            }
            group.addTask {
                do {
                    let patience = call.patience ?? Self.longestCall
                    if patience > .zero { try await Task.sleep(for: patience) }
                    return nil
                } catch {
                    return .ended
                }
            }
            var outcome: SoakTally.Outcome?
            for try await result in group {
                switch result {
                case .none:
                    guard call.patience != nil else {
                        throw Failure(description: "no outcome after a minute: \(call.kind)")
                    }
                    // The caller gives up; the call still has to end.
                    group.cancelAll()
                case .ended?:
                    continue
                case .some(let result):
                    outcome = result
                    group.cancelAll()
                }
            }
            return outcome
        }
        guard let outcome else { throw Failure(description: "a call of kind \(call.kind) ended without an outcome") }
        tally.add(outcome)
    }

    /// Waits until the servers have no calls left.
    private func awaitSilence(_ servers: [GRPCServer<Nghttp2ServerTransport>]) async throws {
        let start = ContinuousClock.now
        while servers.contains(where: { $0.transport.server.lifecycle.runningTasks > 0 }) {
            guard start.duration(to: .now) < .seconds(10) else {
                let left = servers.map(\.transport.server.lifecycle.runningTasks)
                throw Failure(description: "handlers still run 10 s after the last call: \(left)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// The number of calls for each outcome.
final class SoakTally: Sendable {
    enum Outcome {
        case answered
        case failed(any Error, SoakCall)
        /// The wait for the call has ended.
        case ended
    }

    private struct Counts {
        var answered = 0
        var codes: [String: Int] = [:]
        var unexpected: [String] = []
    }

    private let counts = Mutex(Counts())

    func add(_ outcome: Outcome) {
        self.counts.withLock { counts in
            switch outcome {
            case .answered:
                counts.answered += 1
            case .ended:
                break
            case .failed(let error, let call):
                let code = (error as? RPCError)?.code
                counts.codes[code?.description ?? "\(error)", default: 0] += 1
                if !Self.isExpected(code, call), counts.unexpected.count < 20 {
                    counts.unexpected.append("\(call.kind), \(call.message.count) bytes × \(call.messages): \(error)")
                }
            }
        }
    }

    /// Connections are killed, callers give up, deadlines pass. No other failure may happen.
    private static func isExpected(_ code: RPCError.Code?, _ call: SoakCall) -> Bool {
        switch code {
        case .some(.unavailable): true
        case .some(.cancelled): call.patience != nil || call.kind == .hang
        case .some(.deadlineExceeded): call.options.timeout != nil
        default: false
        }
    }

    var summary: String {
        self.counts.withLock { counts in
            let codes = counts.codes.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            return "\(counts.answered) answered, " + codes.joined(separator: ", ")
        }
    }

    func check() throws {
        let (answered, unexpected) = counts.withLock { ($0.answered, $0.unexpected) }
        guard answered > 0 else { throw SoakLoad.Failure(description: "no call was answered") }
        guard unexpected.isEmpty else {
            throw SoakLoad.Failure(description: "unexpected outcomes:\n" + unexpected.joined(separator: "\n"))
        }
    }
}

/// Whether the memory of the process grows.
struct SoakMemory {
    private var samples: [Int] = []

    /// The latest reading, in KiB.
    var last: Int { samples.last ?? 0 }

    var summary: String { "\(samples.first ?? 0) KiB at first, \(last) KiB at last" }

    mutating func sample() {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        samples.append(line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0)
    }

    /// The median of the last quarter must not exceed that of the second quarter by more than an allocator's waste.
    func check() throws {
        guard samples.count >= 8 else { return }
        let quarter = samples.count / 4
        let second = samples[quarter..<2 * quarter].sorted()[quarter / 2]
        let last = samples.suffix(quarter).sorted()[quarter / 2]
        guard Double(last) <= 1.15 * Double(second) else {
            throw SoakLoad.Failure(description: "memory grows: \(samples) KiB")
        }
    }
}
#endif
