internal import FoundationEssentials
internal import SwiftProtobuf

/// A time to live that keys share. etcd deletes the keys unless the lease is renewed in time.
public struct Lease: Sendable, Hashable, Identifiable {
    /// The lease's id.
    public var id: LeaseID
    /// The lease's life without a renewal, in whole seconds.
    public var ttl: Duration

    /// Creates the description of a lease.
    public init(id: LeaseID, ttl: Duration) {
        self.id = id
        self.ttl = ttl
    }
}

/// The renewals of a lease, each with the lease's life from then on; see ``EtcdClient/keepAlive(_:)``. A slow reader gets
/// only the latest.
public typealias LeaseRenewals = AsyncThrowingStream<Duration, any Error>

/// etcd's record of a lease.
public struct LeaseDetails: Sendable, Hashable {
    /// The lease's id.
    public var id: LeaseID
    /// The time to live that was granted.
    public var grantedTTL: Duration
    /// The rest of the lease's life if nobody renews it.
    public var remainingTTL: Duration
    /// The keys that live by the lease, if they were asked for.
    public var keys: [[UInt8]]
}

/// Leases.
extension EtcdClient {
    /// Grants a lease that lives for `ttl`, rounded up to whole seconds, without a renewal. It is not renewed by itself;
    /// see ``keepAlive(_:)``. etcd raises a `ttl` that is too short for its election timeout. The default of `id` is a
    /// random one; an `id` in use is `leaseExists`.
    public func grantLease(ttl: Duration, id: LeaseID? = nil) async throws(EtcdError) -> Lease {
        let request = WireLeaseGrantRequest.with {
            $0.ttl = max(1, ttl.wholeSeconds)
            // The client chooses the id, so that a repeated attempt finds the lease of an earlier attempt.
            $0.id = id ?? .random(in: 1...LeaseID.max)
        }
        do {
            // With a given id, a repeated attempt could not tell its own lease from another client's.
            let response = try await calls.unary(EtcdMethods.leaseGrant, request, isRepeatable: id == nil)
            return Lease(id: response.id, ttl: .seconds(response.ttl))
        } catch  where error.code == .leaseExists && id == nil {
            return Lease(id: request.id, ttl: .seconds(request.ttl))
        }
    }

    /// Revokes a lease: etcd deletes its keys. Does nothing if the lease does not exist.
    public func revokeLease(_ id: LeaseID) async throws(EtcdError) {
        do {
            _ = try await calls.unary(EtcdMethods.leaseRevoke, WireLeaseRevokeRequest.with { $0.id = id })
        } catch  where error.code == .leaseNotFound {
            // The lease is gone, as the caller wants.
        }
    }

    /// etcd's record of a lease.
    ///
    /// - Throws: `leaseNotFound`.
    public func leaseDetails(_ id: LeaseID, withKeys: Bool = false) async throws(EtcdError) -> LeaseDetails {
        let request = WireLeaseTimeToLiveRequest.with {
            $0.id = id
            $0.keys = withKeys
        }
        let response = try await calls.unary(EtcdMethods.leaseTimeToLive, request)
        // Zero means less than a second; a lease that does not exist has -1.
        guard response.ttl >= 0 else {
            throw EtcdError(code: .leaseNotFound, message: "etcd: there is no lease \(Lease.text(of: id))")
        }
        return LeaseDetails(
            id: response.id,
            grantedTTL: .seconds(response.grantedTtl),
            remainingTTL: .seconds(response.ttl),
            keys: response.keys.map { namespace.removing(from: [UInt8]($0)) }
        )
    }

    /// The ids of all leases.
    public func leaseIDs() async throws(EtcdError) -> [LeaseID] {
        try await calls.unary(EtcdMethods.leaseLeases, WireLeaseLeasesRequest()).leases.map(\.id)
    }

    /// Renews a lease, just granted, until the sequence is dropped or the reading task is cancelled. The interval is a
    /// third of the time to live, a random tenth more or less. The sequence ends with an ``EtcdError`` when the lease
    /// is lost: `leaseNotFound` when etcd says so, `leaseExpired` when etcd could not be reached for the lease's whole
    /// life. All leases of a client are renewed on one stream. While etcd is away, the client makes that stream again
    /// and again.
    public func keepAlive(_ lease: Lease) -> LeaseRenewals {
        keeper.keep(lease)
    }
}

extension Duration {
    /// The seconds, rounded up.
    var wholeSeconds: Int64 { components.seconds + (components.attoseconds > 0 ? 1 : 0) }
}

extension Lease {
    /// A lease's id as `etcdctl` prints it: 16 hexadecimal digits.
    package static func text(of id: LeaseID) -> String {
        let digits = String(UInt64(bitPattern: id), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
