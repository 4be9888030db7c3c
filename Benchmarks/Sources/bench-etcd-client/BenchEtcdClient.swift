import ArgumentParser
import BenchmarkSupport
import EtcdClient
import Foundation
import GRPCNghttp2Transport
import Logging
import ServiceKitEtcd

/// A process of a benchmark of the registry: each command does one thing, measures itself and prints a report as JSON.
///
/// It ends without a report when its standard input ends.
@main
struct BenchEtcdClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-etcd-client",
        subcommands: [Hold.self, Keep.self, List.self, Put.self, Seen.self, SeenPut.self, Watch.self]
    )
}

/// The etcd to use, and how the client reaches it. The default of every setting is the client's.
struct EtcdOptions: ParsableArguments {
    @Option(help: "The URL of etcd, on 127.0.0.1.")
    var endpoint: String

    @Flag(help: "Run calls on the connection's event loop.")
    var onEventLoop = false

    /// The port of etcd.
    var port: Int {
        get throws { try EtcdEndpoint(self.endpoint).port }
    }

    private var client: EtcdClient {
        get throws {
            let config = try EtcdConfig(endpoints: [self.endpoint])
            guard self.onEventLoop else { return try EtcdClient(config) }
            return try EtcdClient(config) { endpoint in
                Nghttp2ClientTransport(
                    target: .ipv4(host: endpoint.host, port: endpoint.port),
                    config: .defaults { $0.callExecutor = .eventLoop }
                )
            }
        }
    }

    /// Runs a client for as long as `body` takes.
    ///
    /// - Throws: Any error of `body`.
    func withClient<Result: Sendable>(_ body: (EtcdClient) async throws -> Result) async throws -> Result {
        let client = try self.client
        return try await withRunning(client.run) { try await body(client) }
    }

    /// Runs a registry for as long as `body` takes.
    ///
    /// - Throws: Any error of `body`.
    func withRegistry<Result: Sendable>(_ body: (EtcdRegistry) async throws -> Result) async throws -> Result {
        let registry = EtcdRegistry(try self.client, logger: .onlyWarnings)
        return try await withRunning(registry.run) { try await body(registry) }
    }
}

extension Logger {
    /// Logs no line for each registration, since it would be measured too.
    static var onlyWarnings: Logger {
        var logger = Logger(label: "bench-etcd-client")
        logger.logLevel = .warning
        return logger
    }
}

/// Runs a client or a registry for as long as `body` takes.
///
/// - Throws: Any error of `body`.
func withRunning<Result: Sendable>(
    _ run: @escaping @Sendable () async -> Void,
    _ body: () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask(operation: run)
        defer { group.cancelAll() }
        return try await body()
    }
}

/// An error: an answer is not the expected one.
struct WrongAnswer: Error, CustomStringConvertible {
    var description: String
}

/// Prints a report as one line of JSON.
func report(_ report: some Encodable) throws {
    print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
    fflush(nil)
}
