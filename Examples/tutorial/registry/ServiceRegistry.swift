public import EtcdClient
import Foundation

/// Registers instances in etcd, by hand: one key for each instance, which lives by a lease.
public struct ServiceRegistry: Sendable {
    private let client: EtcdClient
    private let ttl: Duration

    /// Creates a registry. `ttl` is how long etcd keeps the key of an instance that has died.
    public init(_ client: EtcdClient, ttl: Duration = .seconds(5)) {
        self.client = client
        self.ttl = ttl
    }

    /// Registers an instance, and keeps it registered while a body runs.
    ///
    /// - Throws: `EtcdError` if etcd refuses, or when the lease is lost; any error of the body.
    public func withRegistration(
        of instance: Instance, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        // Grant: from now on etcd counts down.
        let lease = try await client.grantLease(ttl: ttl)

        // Put: the key lives by the lease.
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let value = String(decoding: try encoder.encode(instance.address), as: UTF8.self)
        try await client.put("/services/\(instance.service)/\(instance.id)", value, lease: lease.id)

        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await keepAlive(lease) }
                group.addTask { try await body() }
                // The first to end: the body, or the lease.
                _ = try await group.next()
                group.cancelAll()
            }
        } catch {
            // The service is ending because of this error. If etcd is away, the lease expires by itself.
            try? await client.revokeLease(lease.id)
            throw error
        }

        // Revoke: etcd deletes the key at once, and nobody has to wait for the end of the lease.
        try await client.revokeLease(lease.id)
    }

    /// Keep-alive: each answer sets the countdown back to `ttl`.
    private func keepAlive(_ lease: Lease) async throws {
        for try await _ in client.keepAlive(lease) {}
    }
}
