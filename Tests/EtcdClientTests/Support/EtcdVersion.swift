import Foundation
import ServiceKitTesting
import Testing

/// A version of etcd that the tests run against.
enum EtcdVersion: Sendable, CustomTestStringConvertible {
    /// The etcd on the `PATH`: 3.4 with Debian's package.
    case installed
    /// The etcd in the directory of the environment variable `KIT_TEST_ETCD35`.
    case v35

    private static let directory = ProcessInfo.processInfo.environment["KIT_TEST_ETCD35"]

    /// The available versions.
    static let all: [EtcdVersion] = (EtcdServer.isAvailable() ? [.installed] : []) + (directory == nil ? [] : [.v35])

    /// The path of the program.
    var binary: String {
        switch self {
        case .installed: "etcd"
        case .v35: "\(Self.directory ?? "")/etcd"
        }
    }

    var testDescription: String {
        switch self {
        case .installed: "the installed etcd"
        case .v35: "etcd 3.5"
        }
    }

    /// Runs a body with a server of this version.
    func withServer<Result: Sendable>(
        _ configure: (inout EtcdServer.Options) -> Void = { _ in },
        _ body: @Sendable (EtcdServer) async throws -> Result
    ) async throws -> Result {
        var options = EtcdServer.Options()
        options.binary = binary
        configure(&options)
        return try await EtcdServer.withServer(options, body)
    }
    /// Runs a body with a cluster of three members of this version, once it has a leader.
    func withCluster(
        _ configure: (inout EtcdServer.Options) -> Void = { _ in },
        _ body: @Sendable (EtcdServer) async throws -> Void
    ) async throws {
        try await withServer {
            $0.members = 3
            configure(&$0)
        } _: { server in
            _ = try await server.leader()
            try await body(server)
        }
    }
}
