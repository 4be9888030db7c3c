internal import ServiceKitConcurrency

/// A lease that is kept alive while a body runs. The keys of a session vanish when its process ends.
public struct EtcdSession: Sendable {
    /// The client.
    public let client: EtcdClient
    /// The lease.
    public let lease: Lease
}

extension EtcdClient {
    /// Runs a body within a session: a lease that is kept alive until the body returns, and then revoked.
    ///
    /// - Parameters:
    ///   - ttl: The time for which the session outlives its process. Default: 30 s.
    ///   - body: The work. It is cancelled when the lease is lost.
    /// - Returns: The body's result.
    /// - Throws: ``EtcdError``: `leaseNotFound` or `leaseExpired` when the lease was lost; any error of the body.
    public func withSession<Result: Sendable>(
        ttl: Duration = .seconds(30),
        _ body: @escaping @Sendable (EtcdSession) async throws -> Result
    ) async throws -> Result {
        let lease = try await grantLease(ttl: ttl)
        let outcome: Swift.Result<Result, any Error> = await withTaskGroup(of: SessionChild<Result>.self) { group in
            group.addTask { .body(await .init(catching: { try await body(EtcdSession(client: self, lease: lease)) })) }
            group.addTask {
                do {
                    for try await _ in self.keepAlive(lease) {}
                    return .renewalsEnded
                } catch {
                    return .lost(error)
                }
            }
            defer { group.cancelAll() }
            var loss: (any Error)?
            while let child = await group.next() {
                switch child {
                case .body(let result): return loss.map { .failure($0) } ?? result
                case .renewalsEnded: continue
                case .lost(let error):
                    // Waits for the body: its work is no longer protected, and must not outlive this call.
                    loss = error
                    group.cancelAll()
                }
            }
            return .failure(loss ?? CancellationError())
        }
        // The task is unstructured, since the caller's task may be cancelled by now and the keys have to vanish all the
        // same. It ends with the client's time limit for requests.
        await Task { try? await self.revokeLease(lease.id) }.value
        return try outcome.get()
    }
}

private enum SessionChild<Value: Sendable>: Sendable {
    case body(Result<Value, any Error>)
    case renewalsEnded
    case lost(any Error)
}
