@testable import EtcdClient

extension EtcdClient {
    /// Makes a lease that lives for half a minute, however busy the machine is, and says that it is one of 6 s: the
    /// first two renewals of ``keepAlive(_:)`` are asked for as soon as those of such a one, so that nobody waits long.
    func grantHardyLease() async throws(EtcdError) -> Lease {
        let lease = try await grantLease(ttl: .seconds(30))
        return Lease(id: lease.id, ttl: .seconds(6))
    }
}
