import GRPCNghttp2Transport
import Logging
import ServiceKitTesting

@testable import EtcdClient

extension EtcdServer {
    /// The configuration of a client of all members.
    func config(_ configure: (inout EtcdConfig) -> Void = { _ in }) throws -> EtcdConfig {
        var config = try EtcdConfig(endpoints: endpoints)
        config.maxBackoff = .milliseconds(500)
        // Long enough for a server with a busy disk.
        config.requestTimeout = .seconds(30)
        config.keepaliveTimeout = .seconds(20)
        configure(&config)
        return config
    }

    /// Runs a body with a client of all members.
    func withClient<Result: Sendable>(
        _ configure: (inout EtcdConfig) -> Void = { _ in },
        _ body: @Sendable (EtcdClient) async throws -> Result
    ) async throws -> Result {
        try await EtcdClient.withClient(config(configure), logger: .silent, body)
    }

    /// Runs a body with a client whose calls can be observed and cut off.
    ///
    /// - Parameter first: The index of the member to use first. Default: a random one.
    func withObservedClient<Result: Sendable>(
        first: Int? = nil,
        _ configure: (inout EtcdConfig) -> Void = { _ in },
        _ body: @Sendable (EtcdClient, Wire) async throws -> Result
    ) async throws -> Result {
        let wire = Wire()
        let config = try config(configure)
        let client = try EtcdClient(config, logger: .silent, first: first) { endpoint in
            GRPCCaller(transport: ObservedTransport(config.transport(to: endpoint, logger: .silent), wire))
        }
        return try await withRunning(client) { try await body(client, wire) }
    }
}

/// Runs a client while a body runs, and then shuts it down.
func withRunning<Result: Sendable>(
    _ client: EtcdClient,
    _ body: () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await client.run() }
        defer { client.shutdown() }
        return try await body()
    }
}

extension Logger {
    /// A logger without output.
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
