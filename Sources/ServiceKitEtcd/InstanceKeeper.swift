internal import EtcdClient
internal import Logging
internal import ServiceKit
internal import ServiceKitConcurrency
internal import Synchronization

/// Keeps one instance in etcd: owns its key and the lease that the key lives by, and puts back what is lost.
final class InstanceKeeper: Sendable {
    /// The key as it was written.
    struct Hold: Sendable {
        let lease: Lease
        let revision: Revision
    }

    /// Why an instance is not in etcd any more, or may not be.
    private struct Loss: Sendable {
        let cause: String
        /// Whether etcd was away: then many others have lost theirs too.
        let isOutage: Bool
    }

    private struct State {
        var kept: KeptInstance
        var isStopped = false
    }

    let status: Watched<RegistrationState>

    private let state: Mutex<State>
    private let client: EtcdClient
    private let layout: EtcdLayout
    private let key: String
    private let ttl: Duration
    private let logger: Logger

    /// How often to look again at a key that somebody changes all the time.
    private static let maxAttempts = 64
    /// The first wait, at the most, before a key is put back that was taken away while all else is well.
    private static let promptly = Duration.milliseconds(50)
    /// The same after etcd was away, when others have as much to do.
    private static let afterOutage = Duration.seconds(1)

    /// - Parameter leases: Leases of earlier attempts that may hold the key.
    init(
        _ instance: ServiceInstance,
        client: EtcdClient,
        layout: EtcdLayout,
        keys: InstanceKeys,
        ttl: Duration,
        leases: [LeaseID],
        logger: Logger
    ) {
        state = Mutex(State(kept: KeptInstance(instance, leases: leases)))
        status = Watched(.lost(cause: "not registered yet"))
        self.client = client
        self.layout = layout
        key = keys.key(instance.id, of: instance.name)
        self.ttl = ttl
        self.logger = logger
    }

    var instance: ServiceInstance { state.withLock(\.kept.instance.published) }

    // MARK: - What the owner asks for

    /// The leases that may hold the key.
    var leases: [LeaseID] { state.withLock(\.kept.leases) }

    /// Registers the instance for the first time.
    func register() async throws -> Hold {
        do {
            let hold = try await put(with: nil)
            status.setIfChanged(.registered)
            return hold
        } catch {
            throw translated(error, "cannot register instance \"\(instance.id)\" of service \"\(instance.name)\"")
        }
    }

    /// Replaces the instance.
    func update(_ next: ServiceInstance) async throws {
        let old = try state.withLock { state in
            try state.kept.instance.wanted.validateUpdate(to: next, isDeregistered: state.isStopped)
            defer { state.kept.instance.wanted = next }
            return state.kept.instance.wanted
        }
        do {
            try await writeUpdate()
        } catch {
            state.withLock { if $0.kept.instance.wanted == next { $0.kept.instance.wanted = old } }
            throw translated(error, "cannot update instance \"\(next.id)\" of service \"\(next.name)\"")
        }
    }

    /// Writes the key as it is to be, if it is there. What an operator has written meanwhile is adopted first.
    private func writeUpdate() async throws {
        guard var known = state.withLock(\.kept.known) else { return }
        for _ in 0..<Self.maxAttempts {
            let instance = instance
            let value = try encoded(instance)
            let result = try await client.commit(
                Transaction(
                    if: [.modRevision(of: key, .equal, known.revision)],
                    then: [.put(key, value, lease: known.lease)],
                    else: [.get(.key(key))]
                )
            )
            state.withLock { state in
                if result.succeeded {
                    state.kept.know(.init(revision: result.revision, lease: known.lease, instance: instance))
                }
                state.kept.settle(value)
            }
            if result.succeeded { return }
            // If it is lost just now, it will be put back as it is to be.
            guard case .get(let found)? = result.outcomes.first, let entry = found.entries.first,
                let owner = entry.lease, isOwn(owner)
            else { return }
            accept(entry)
            known.revision = entry.modRevision
            known.lease = owner
        }
        throw changesAllTheTime
    }

    /// Nothing is put back from now on.
    func stop() {
        state.withLock { $0.isStopped = true }
    }

    /// Deletes the key, if it is still this process's.
    func takeOut() async throws {
        status.setIfChanged(.deregistered)
        do {
            // All in one request: whichever lease holds the key.
            for lease in leases.reversed() {
                let transaction = Transaction(if: [.lease(of: key, .equal, lease)], then: [.delete(.key(key))])
                if try await client.commit(transaction).succeeded { return }
            }
        } catch {
            let instance = instance
            throw translated(error, "cannot deregister instance \"\(instance.id)\" of service \"\(instance.name)\"")
        }
    }

    /// Revokes the leases, and with them the key if it is still there.
    func giveBack() async {
        for lease in leases.reversed() {
            do throws(EtcdError) {
                try await client.revokeLease(lease)
                state.withLock { state in state.kept.leases.removeAll { $0 == lease } }
            } catch {
                logger.warning(
                    "lease not revoked; it ends by itself after its time to live",
                    metadata: metadata.merging(["cause": "\(error)"]) { $1 }
                )
                // etcd is away, and so it would be for the others.
                break
            }
        }
        status.setIfChanged(.deregistered)
        status.finish()
    }

    // MARK: - Keeping it

    /// Keeps the instance registered until the task is cancelled.
    func run(_ hold: Hold) async {
        var hold = hold
        while !Task.isCancelled {
            status.setIfChanged(.registered)
            let (loss, usable) = await watchOver(hold)
            if Task.isCancelled { return }
            status.setIfChanged(.lost(cause: loss.cause))
            logger.warning("instance lost in etcd", metadata: metadata.merging(["cause": "\(loss.cause)"]) { $1 })
            guard let restored = await restore(loss, with: usable) else { return }
            hold = restored
            logger.notice("instance registered again", metadata: metadata)
        }
    }

    /// Returns when the key is not what it should be, or its lease is lost; with the lease if it is good still.
    private func watchOver(_ hold: Hold) async -> (Loss, Lease?) {
        let isOutage = Watched(false)
        return await withTaskGroup(of: (Loss, Lease?)?.self) { group in
            group.addTask { [self] in
                do {
                    for try await _ in client.keepAlive(hold.lease) {}
                    return nil
                } catch {
                    let error = error as? EtcdError
                    let away = isOutage.value || error?.code == .leaseExpired
                    return (Loss(cause: error?.message ?? "the lease was lost", isOutage: away), nil)
                }
            }
            group.addTask { [self] in
                guard let loss = await watchKey(hold, isOutage) else { return nil }
                return (loss, hold.lease)
            }
            defer { group.cancelAll() }
            while let result = await group.next() {
                if let result { return result }
                if Task.isCancelled { break }
            }
            return (Loss(cause: "the client was shut down", isOutage: true), hold.lease)
        }
    }

    /// Returns when the key is gone, or was written by somebody else; `nil` when it cannot be watched any more.
    private func watchKey(_ hold: Hold, _ isOutage: Watched<Bool>) async -> Loss? {
        do {
            for try await update in client.watch(.key(key), .with { $0.from = hold.revision + 1 }) {
                switch update {
                case .interrupted:
                    isOutage.set(true)
                case .connected, .progress:
                    continue
                case .events(let events):
                    guard let last = events.last else { continue }
                    isOutage.set(false)
                    if last.kind == .delete { return Loss(cause: "the key \(key) was deleted", isOutage: false) }
                    guard last.entry.lease == hold.lease.id else {
                        return Loss(cause: "the key \(key) was written by somebody else", isOutage: false)
                    }
                    guard accept(last.entry) else {
                        return Loss(cause: "the key \(key) was written over", isOutage: false)
                    }
                }
            }
            return nil
        } catch let error as EtcdError where error.code == .compacted {
            // Whatever was missed, it is looked at again.
            return Loss(cause: error.message, isOutage: false)
        } catch let error as EtcdError where error.code == .closed {
            return nil
        } catch {
            return Loss(cause: "\(error)", isOutage: true)
        }
    }

    /// Puts the instance back, however long it takes.
    ///
    /// - Returns: `nil` when the task was cancelled.
    private func restore(_ loss: Loss, with lease: Lease?) async -> Hold? {
        var lease = lease
        var backoff = Backoff(
            base: loss.isOutage ? Self.afterOutage : Self.promptly, maximum: min(.seconds(5), ttl / 3))
        while !Task.isCancelled {
            try? await Task.sleep(for: backoff.next())
            if Task.isCancelled { break }
            do {
                return try await put(with: lease)
            } catch {
                if Task.isCancelled { break }
                if (error as? EtcdError)?.code == .leaseNotFound { lease = nil }
                status.setIfChanged(.lost(cause: "\(error)"))
                logger.debug(
                    "instance not registered again yet",
                    metadata: metadata.merging(["cause": "\(error)"]) { $1 }
                )
            }
        }
        return nil
    }

    // MARK: - The key

    /// Writes the key unless somebody else has it.
    ///
    /// - Parameter lease: The lease to live by; a new one if there is none.
    private func put(with lease: Lease?) async throws -> Hold {
        if let lease { return try await write(by: lease) }
        // Granted and used at the same time, so that registering takes one round trip: the number is chosen here.
        let id = LeaseID.random(in: 1...LeaseID.max)
        remember(id)
        async let granted = client.grantLease(ttl: ttl, id: id)
        do {
            let hold = try await write(by: Lease(id: id, ttl: ttl))
            return Hold(lease: try await granted, revision: hold.revision)
        } catch let error as EtcdError where error.code == .leaseNotFound {
            // The request that grants it came second, or was answered with another number.
            let lease = try await granted
            if lease.id != id { remember(lease.id) }
            return try await write(by: lease)
        }
    }

    private func write(by lease: Lease) async throws -> Hold {
        var condition = Transaction.Condition.isAbsent(key)
        for _ in 0..<Self.maxAttempts {
            // Anew each time, since it may have been updated; the condition sees to it that the update is not undone.
            let instance = instance
            let value = try encoded(instance)
            let result = try await client.commit(
                Transaction(
                    if: [condition],
                    then: [.put(key, value, lease: lease.id)],
                    else: [.get(.key(key))]
                )
            )
            if result.succeeded { return hold(lease, result.revision, instance, value) }
            guard case .get(let found)? = result.outcomes.first, let entry = found.entries.first else {
                condition = .isAbsent(key)
                continue
            }
            guard let owner = entry.lease, isOwn(owner) else { throw await alreadyRegistered(entry) }
            if owner == lease.id, entry.value == value { return hold(lease, entry.modRevision, instance, value) }
            state.withLock { $0.kept.settle(value) }
            accept(entry)
            condition = .modRevision(of: key, .equal, entry.modRevision)
        }
        throw changesAllTheTime
    }

    private func hold(_ lease: Lease, _ revision: Revision, _ instance: ServiceInstance, _ value: [UInt8]) -> Hold {
        state.withLock { state in
            // Whatever was known before: etcd may have lost its data, and count from the start.
            state.kept.known = .init(revision: revision, lease: lease.id, instance: instance)
            state.kept.settle(value)
        }
        return Hold(lease: lease, revision: revision)
    }

    /// Looks at what the key holds. If an operator has changed labels, that is adopted.
    ///
    /// - Returns: Whether it is as it should be: written by this process, or by an operator.
    @discardableResult
    private func accept(_ entry: KeyValue) -> Bool {
        let instance = instance
        guard let lease = entry.lease,
            let seen = try? layout.decode(entry.value, service: instance.name, id: instance.id)
        else { return false }
        let verdict = state.withLock { state in
            state.kept.accept(entry.value, .init(revision: entry.modRevision, lease: lease, instance: seen))
        }
        if verdict == .adopted { logger.notice("labels set by an operator", metadata: metadata) }
        return verdict != .refused
    }

    private func remember(_ lease: LeaseID) {
        state.withLock { $0.kept.remember(lease) }
    }

    private func encoded(_ instance: ServiceInstance) throws -> [UInt8] {
        let value = try layout.encode(instance)
        state.withLock { $0.kept.remember(.init(value: value, instance: instance)) }
        return value
    }

    private func isOwn(_ lease: LeaseID) -> Bool {
        state.withLock { $0.kept.leases.contains(lease) }
    }

    // MARK: - What is said

    private var changesAllTheTime: RegistryError {
        RegistryError(code: .unavailable, message: "etcd registry: the key \(key) changes all the time")
    }

    private func alreadyRegistered(_ entry: KeyValue) async -> RegistryError {
        let instance = instance
        let owner = try? layout.decode(entry.value, service: instance.name, id: instance.id)
        let address = owner?.endpoints.map(\.description).joined(separator: " ")
        let rest = await timeLeft(to: entry)
        let hold =
            switch (entry.lease, rest) {
            case (let lease?, let rest?):
                "held by lease \(Lease.text(of: lease)), which ends in \(rest.components.seconds) s unless its owner "
                    + "renews it"
            case (let lease?, nil): "held by lease \(Lease.text(of: lease))"
            case (nil, _): "without a lease, so that it does not end by itself"
            }
        let crashed = entry.lease == nil ? "remove it by kit registry deregister" : "wait until the lease has ended"
        return RegistryError(
            code: .alreadyRegistered,
            message: "etcd registry: instance \"\(instance.id)\" of service \"\(instance.name)\" is already registered"
                + (address.map { " by the owner of \($0)" } ?? "")
                + " (key \(key), \(hold)); stop that one, or \(crashed) if it has crashed, or register under another id "
                + "(app.id)",
            endsWithin: rest
        )
    }

    /// How long an entry stays unless its lease is renewed; `nil` when it has none, or that cannot be found out.
    private func timeLeft(to entry: KeyValue) async -> Duration? {
        guard let lease = entry.lease else { return nil }
        do throws(EtcdError) {
            return try await client.leaseDetails(lease).remainingTTL
        } catch {
            // The entry has gone with it.
            return error.code == .leaseNotFound ? .zero : nil
        }
    }

    private func translated(_ error: any Error, _ what: String) -> any Error {
        (error as? EtcdError).map { RegistryError($0, what, needs: .writing(key)) } ?? error
    }

    private var metadata: Logger.Metadata {
        let instance = instance
        return ["instance": "\(instance.id)", "service": "\(instance.name)", "key": "\(key)"]
    }
}
