internal import FoundationEssentials
internal import SwiftProtobuf

/// A time to live that keys can share: unless it is renewed in time, they are deleted.
public struct Lease: Sendable, Hashable, Identifiable {
    /// Its number.
    public var id: LeaseID
    /// How long it lives without being renewed, in whole seconds.
    public var ttl: Duration

    /// Creates the description of a lease.
    public init(id: LeaseID, ttl: Duration) {
        self.id = id
        self.ttl = ttl
    }
}

/// What etcd knows of a lease.
public struct LeaseDetails: Sendable, Hashable {
    /// Its number.
    public var id: LeaseID
    /// How long it was granted for.
    public var grantedTTL: Duration
    /// How long it lives on if it is not renewed.
    public var remainingTTL: Duration
    /// The keys that live by it, if they were asked for.
    public var keys: [[UInt8]]
}

/// Leases.
extension EtcdClient {
    /// Makes a lease, which nobody renews yet; see ``keepAlive(_:)``.
    ///
    /// - Parameters:
    ///   - ttl: How long it lives without being renewed; rounded up to seconds. etcd raises what is less than its
    ///     election timeout allows.
    ///   - id: Its number; by default one that is drawn.
    /// - Throws: ``EtcdError``: `leaseExists` if the number was given and is taken.
    public func grantLease(ttl: Duration, id: LeaseID? = nil) async throws(EtcdError) -> Lease {
        let request = WireLeaseGrantRequest.with {
            $0.ttl = max(1, ttl.wholeSeconds)
            // Chosen here, so that an attempt that is repeated finds the lease of the one before.
            $0.id = id ?? .random(in: 1...LeaseID.max)
        }
        do {
            // One whose number was given would be found by a second attempt as if it were somebody else's.
            let response = try await calls.unary(.leaseGrant, request, isRepeatable: id == nil)
            return Lease(id: response.id, ttl: .seconds(response.ttl))
        } catch  where error.code == .leaseExists && id == nil {
            return Lease(id: request.id, ttl: .seconds(request.ttl))
        }
    }

    /// Ends a lease; the keys that live by it are deleted. Does nothing if there is no such lease.
    ///
    /// - Throws: ``EtcdError``.
    public func revokeLease(_ id: LeaseID) async throws(EtcdError) {
        do {
            _ = try await calls.unary(.leaseRevoke, WireLeaseRevokeRequest.with { $0.id = id })
        } catch  where error.code == .leaseNotFound {
            // Which is what was wanted.
        }
    }

    /// What etcd knows of a lease.
    ///
    /// - Throws: ``EtcdError``: `leaseNotFound`.
    public func leaseDetails(_ id: LeaseID, withKeys: Bool = false) async throws(EtcdError) -> LeaseDetails {
        let request = WireLeaseTimeToLiveRequest.with {
            $0.id = id
            $0.keys = withKeys
        }
        let response = try await calls.unary(.leaseTimeToLive, request)
        // Zero is a lease that lives for less than a second.
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

    /// The numbers of all leases.
    ///
    /// - Throws: ``EtcdError``.
    public func leaseIDs() async throws(EtcdError) -> [LeaseID] {
        try await calls.unary(.leaseLeases, WireLeaseLeasesRequest()).leases.map(\.id)
    }

    /// Renews a lease, every third of its time to live, give or take a little, until the sequence is dropped or the
    /// reading task is cancelled.
    ///
    /// All leases of a client are renewed on one stream; while etcd is away it is made again and again.
    ///
    /// - Parameter lease: The lease, granted just now.
    /// - Returns: The renewals. The sequence ends with an ``EtcdError`` when the lease is lost: `leaseNotFound` when
    ///   etcd says so, `leaseExpired` when etcd could not be reached for as long as the lease lives.
    public func keepAlive(_ lease: Lease) -> LeaseRenewals {
        keeper.keep(lease)
    }
}

extension Duration {
    /// The seconds, rounded up.
    var wholeSeconds: Int64 { components.seconds + (components.attoseconds > 0 ? 1 : 0) }
}

extension Lease {
    /// A lease's number as `etcdctl` prints it: 16 hexadecimal digits.
    package static func text(of id: LeaseID) -> String {
        let digits = String(UInt64(bitPattern: id), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
