/// A lease that is kept alive, and what is done under its protection: the keys of a session vanish when its process does.
public struct EtcdSession: Sendable {
    /// The client.
    public let client: EtcdClient
    /// The lease.
    public let lease: Lease
}

extension EtcdClient {
    /// Does something within a session: a lease that is kept alive until the body returns, and then revoked.
    ///
    /// - Parameters:
    ///   - ttl: How long the session outlives its process.
    ///   - body: What is done. It is cancelled when the lease is lost.
    /// - Returns: What the body returns.
    /// - Throws: ``EtcdError``: `leaseNotFound` or `leaseExpired` when the lease was lost; what the body throws.
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
                    // The body is waited for: nobody is to take it for protected.
                    loss = error
                    group.cancelAll()
                }
            }
            return .failure(loss ?? CancellationError())
        }
        // Unstructured, since the task may be cancelled by now, and the keys are to vanish all the same. It ends with the
        // client's time limit for requests.
        await Task { try? await self.revokeLease(lease.id) }.value
        return try outcome.get()
    }
}

private enum SessionChild<Value: Sendable>: Sendable {
    case body(Result<Value, any Error>)
    case renewalsEnded
    case lost(any Error)
}

extension Result where Failure == any Error {
    fileprivate init(catching body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
