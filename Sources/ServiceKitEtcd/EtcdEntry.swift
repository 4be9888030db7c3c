internal import EtcdClient
internal import ServiceKit
internal import Synchronization

/// The entry of one instance in etcd, from its owner's side: a key, and the lease that the key lives by.
final class EtcdEntry: RegistryEntry {
    private struct State {
        /// The lease to write the key by; none before the first, and when it was lost.
        var lease: Lease?
        /// The leases that may hold the key. A key that lives by one of them is this owner's.
        var leases: [LeaseID] = []
    }

    private let state = Mutex(State())
    private let client: EtcdClient
    private let layout: EtcdLayout
    private let id: String
    private let service: String
    private let key: String
    private let ttl: Duration

    /// How often to look again at a key that changes all the time.
    private static let maxAttempts = 64
    /// How many leases are remembered that may hold the key.
    private static let maxLeases = 16

    init(_ instance: ServiceInstance, client: EtcdClient, layout: EtcdLayout, keys: InstanceKeys, ttl: Duration) {
        self.client = client
        self.layout = layout
        self.ttl = ttl
        id = instance.id
        service = instance.name
        key = keys.key(id, of: service)
    }

    // MARK: - Writing

    func write(_ instance: KeptInstance) async throws {
        try await telling("register") {
            if let lease = state.withLock(\.lease) {
                do {
                    return try await write(instance, by: lease.id, replacing: instance.revision ?? 0)
                } catch let error as EtcdError where error.code == .leaseNotFound {
                    forget(lease.id)
                }
            }
            try await writeByNewLease(instance)
        }
    }

    /// Grants a lease and uses it at the same time, so that registering takes one round trip: the number is chosen here.
    private func writeByNewLease(_ instance: KeptInstance) async throws {
        let id = LeaseID.random(in: 1...LeaseID.max)
        remember(id)
        async let granted = client.grantLease(ttl: ttl, id: id)
        do {
            try await write(instance, by: id, replacing: 0)
        } catch let error as EtcdError where error.code == .leaseNotFound {
            // The request that grants it came second, or was answered with another number.
            let lease = try await granted
            if lease.id != id { remember(lease.id) }
            try await write(instance, by: lease.id, replacing: 0)
        } catch let error as RegistryError where error.code == .alreadyRegistered {
            // No key lives by this owner's leases. The release gives back the leases that are left.
            _ = try? await granted
            try? await release()
            throw error
        }
        let lease = try await granted
        state.withLock { $0.lease = lease }
    }

    /// Writes the key unless another owner has it. The key most likely has the revision; 0 stands for no key. Labels
    /// that an operator has changed meanwhile are adopted first.
    private func write(_ instance: KeptInstance, by lease: LeaseID, replacing revision: Revision) async throws {
        var revision = revision
        for _ in 0..<Self.maxAttempts {
            let next = instance.nextToWrite()
            let result = try await client.commit(
                Transaction(
                    if: [.modRevision(of: key, .equal, revision)],
                    then: [.put(key, try layout.encode(next), lease: lease)],
                    else: [.get(.key(key))]
                )
            )
            instance.wrote(next, at: result.succeeded ? result.revision : nil)
            if result.succeeded { return }
            guard case .get(let found)? = result.outcomes.first, let entry = found.entries.first else {
                revision = 0
                continue
            }
            guard let owner = entry.lease, isOwn(owner) else { throw await alreadyRegistered(entry) }
            if owner == lease, decoded(entry) == next {
                // An attempt wrote it whose answer was lost.
                return instance.wrote(next, at: entry.modRevision)
            }
            _ = isAsItShouldBe(entry, instance)
            revision = entry.modRevision
        }
        throw RegistryError(code: .unavailable, message: "etcd registry: the key \(key) changes all the time")
    }

    // MARK: - Keeping

    func keep(_ instance: KeptInstance) async throws {
        guard let lease = state.withLock(\.lease) else { return }
        let isOutage = Watched(false)
        let loss = await withTaskGroup(of: RegistryError?.self) { group in
            group.addTask { [self] in await keepAlive(lease, isOutage) }
            group.addTask { [self] in await watchKey(instance, isOutage) }
            defer { group.cancelAll() }
            for await case let loss? in group { return loss }
            return RegistryError(code: .unavailable, message: "etcd registry: the client was shut down")
        }
        throw loss
    }

    /// Returns the loss of the lease; `nil` when it cannot be renewed any more.
    private func keepAlive(_ lease: Lease, _ isOutage: Watched<Bool>) async -> RegistryError? {
        do {
            for try await _ in client.keepAlive(lease) {}
            return nil
        } catch {
            forget(lease.id)
            let isAway = isOutage.value || (error as? EtcdError)?.code == .leaseExpired
            return loss("\(error)", isAway ? .unavailable : .lost)
        }
    }

    /// Returns when the key is gone, or another process has written it; `nil` when it cannot be watched any more.
    private func watchKey(_ instance: KeptInstance, _ isOutage: Watched<Bool>) async -> RegistryError? {
        do {
            for try await update in client.watch(.key(key), .with { $0.from = (instance.revision ?? 0) + 1 }) {
                switch update {
                case .interrupted:
                    isOutage.set(true)
                case .connected, .progress:
                    continue
                case .events(let events):
                    isOutage.set(false)
                    // An update may have written the key again already.
                    guard let last = events.last, last.entry.modRevision > instance.revision ?? 0 else { continue }
                    if last.kind == .delete { return loss("the key \(key) was deleted", .lost) }
                    guard isAsItShouldBe(last.entry, instance) else {
                        return loss("the key \(key) was written over by somebody else", .lost)
                    }
                }
            }
            return nil
        } catch {
            switch (error as? EtcdError)?.code {
            case .closed: return nil
            // Events were missed: the next attempt looks at the key.
            case .compacted: return loss("\(error)", .lost)
            default: return loss("\(error)", .unavailable)
            }
        }
    }

    private func loss(_ cause: String, _ code: RegistryError.Code) -> RegistryError {
        RegistryError(code: code, message: "etcd registry: \(cause)")
    }

    // MARK: - Giving back

    func remove() async throws {
        try await telling("deregister") {
            // All in one request: whichever lease holds the key.
            for lease in state.withLock(\.leases).reversed() {
                let transaction = Transaction(if: [.lease(of: key, .equal, lease)], then: [.delete(.key(key))])
                if try await client.commit(transaction).succeeded { return }
            }
        }
    }

    /// Revokes the leases, and with them the key if it is still there.
    func release() async throws {
        for lease in state.withLock(\.leases).reversed() {
            do throws(EtcdError) {
                try await client.revokeLease(lease)
                forget(lease)
                state.withLock { $0.leases.removeAll { $0 == lease } }
            } catch {
                throw loss(
                    "lease not revoked; it ends by itself after its time to live: \(error.message)", .unavailable)
            }
        }
    }

    // MARK: - The leases and the key

    private func remember(_ lease: LeaseID) {
        state.withLock { $0.leases = Array(($0.leases + [lease]).suffix(Self.maxLeases)) }
    }

    /// The lease is not used any more; the key may still live by it.
    private func forget(_ lease: LeaseID) {
        state.withLock { if $0.lease?.id == lease { $0.lease = nil } }
    }

    private func isOwn(_ lease: LeaseID) -> Bool {
        state.withLock { $0.leases.contains(lease) }
    }

    private func decoded(_ entry: KeyValue) -> ServiceInstance? {
        try? layout.decode(entry.value, service: service, id: id)
    }

    /// Whether the key was written by this owner, or by an operator, whose labels are adopted.
    private func isAsItShouldBe(_ entry: KeyValue, _ instance: KeptInstance) -> Bool {
        guard let lease = entry.lease, isOwn(lease), let found = decoded(entry) else { return false }
        return instance.found(found, at: entry.modRevision) != .refused
    }

    // MARK: - Errors

    private func telling(_ action: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as EtcdError {
            throw RegistryError(
                error, "cannot \(action) instance \"\(id)\" of service \"\(service)\"", needs: .writing(key))
        }
    }

    private func alreadyRegistered(_ entry: KeyValue) async -> RegistryError {
        let address = decoded(entry)?.endpoints.map(\.description).joined(separator: " ")
        var rest: Duration?
        if let lease = entry.lease {
            do throws(EtcdError) {
                rest = try await client.leaseDetails(lease).remainingTTL
            } catch {
                // Without its lease, the entry is gone as well.
                if error.code == .leaseNotFound { rest = .zero }
            }
        }
        let end = rest.map { ", which ends in \($0.components.seconds) s unless its owner renews it" } ?? ""
        let (hold, crashed) =
            entry.lease.map { ("held by lease \(Lease.text(of: $0))\(end)", "wait until the lease has ended") }
            ?? ("without a lease, so that it does not end by itself", "remove it by kit registry deregister")
        return RegistryError(
            code: .alreadyRegistered,
            message: "etcd registry: instance \"\(id)\" of service \"\(service)\" is already registered"
                + (address.map { " by the owner of \($0)" } ?? "")
                + " (key \(key), \(hold)); stop that one, or \(crashed) if it has crashed, or register under another id "
                + "(app.id)",
            endsWithin: rest
        )
    }
}
