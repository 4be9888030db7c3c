import EtcdClient
import Foundation
import ServiceKitTesting
import Testing

/// One server of each version for all tests of a suite. Each test has its own keys.
struct SharedServers: SuiteTrait, TestScoping {
    @TaskLocal static var servers: [EtcdVersion: EtcdServer] = [:]

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await start(EtcdVersion.all[...], [:], function)
    }

    private func start(
        _ versions: ArraySlice<EtcdVersion>,
        _ servers: [EtcdVersion: EtcdServer],
        _ function: @Sendable () async throws -> Void
    ) async throws {
        guard let version = versions.first else {
            return try await Self.$servers.withValue(servers, operation: function)
        }
        try await version.withServer { server in
            try await start(versions.dropFirst(), servers.merging([version: server]) { $1 }, function)
        }
    }
}

extension Trait where Self == SharedServers {
    /// The suite's tests share a server of each version; see ``EtcdVersion/withSharedClient(_:_:)``.
    static var sharedServers: SharedServers { SharedServers() }
}

extension EtcdVersion {
    /// Runs a body with a client of the suite's server, and with a prefix for this test's keys.
    func withSharedClient<Result: Sendable>(
        _ configure: (inout EtcdConfig) -> Void = { _ in },
        _ body: @Sendable (EtcdClient, _ prefix: String) async throws -> Result
    ) async throws -> Result {
        let server = try #require(SharedServers.servers[self])
        return try await server.withClient(configure) { client in
            try await body(client, "\(UUID())/")
        }
    }

    /// Runs a body with a client whose calls can be observed, and with a prefix for this test's keys.
    func withSharedObservedClient<Result: Sendable>(
        _ body: @Sendable (EtcdClient, Wire, _ prefix: String) async throws -> Result
    ) async throws -> Result {
        let server = try #require(SharedServers.servers[self])
        return try await server.withObservedClient { client, wire in
            try await body(client, wire, "\(UUID())/")
        }
    }
}
