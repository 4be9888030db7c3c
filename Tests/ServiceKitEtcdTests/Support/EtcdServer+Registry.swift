import ServiceKitTesting

@testable import ServiceKitEtcd

extension EtcdServer {
    /// Runs a body with a registry in this etcd.
    ///
    /// - Parameter configure: Changes the registry's options. By default, entries and requests outlast the pauses of a
    ///   busy machine.
    func withRegistry(
        _ configure: (inout EtcdRegistryOptions) -> Void = { _ in },
        _ body: @Sendable (EtcdRegistry) async throws -> Void
    ) async throws {
        var options = EtcdRegistryOptions()
        options.endpoints = endpoints
        options.ttl = .seconds(30)
        options.requestTimeout = .seconds(30)
        configure(&options)
        let registry = try EtcdRegistry(options, logger: LogRecorder().logger())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await registry.run() }
            defer { group.cancelAll() }
            try await body(registry)
        }
    }
}
