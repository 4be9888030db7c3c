@testable import EtcdClient

extension EtcdClient {
    /// Grants a lease that lives for half a minute, however busy the machine is, but gives its time to live as 6 s. So
    /// ``keepAlive(_:)`` sends the first two renewals soon, and the test does not wait long.
    func grantHardyLease() async throws(EtcdError) -> Lease {
        let lease = try await grantLease(ttl: .seconds(30))
        return Lease(id: lease.id, ttl: .seconds(6))
    }
}
