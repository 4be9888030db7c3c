internal import EtcdClient
internal import ServiceKit

/// What is known of a service's instances, put together from what etcd says.
///
/// When etcd has lost its data, its empty list is no word on which instances live: they register again, each in its own
/// time. Neither is it when etcd was away, and now ends the leases that nobody could renew meanwhile, all of them at once.
/// Those known before are kept for as long, and what is told is marked as stale until all are back or the time is over.
struct ServiceView: Sendable {
    /// A time in which etcd could not be reached, and in which instances could not renew their leases.
    private struct Outage {
        /// How many instances were known.
        let known: Int
        /// Until when instances may be taken out because of it; it is not over as long as there is none.
        var until: ContinuousClock.Instant?
        /// Who was heard of since.
        var heardOf: Set<String> = []
    }

    private var instances = InstanceSet()
    /// Instances that etcd has forgotten and that may be registered again.
    private var missing: Set<String> = []
    private(set) var missingUntil: ContinuousClock.Instant?
    private var interruption: DiscoveryState?
    private var outage: Outage?
    private let grace: Duration

    /// - Parameter ttl: How long an instance lives that is not heard of.
    init(ttl: Duration) {
        grace = ttl + .seconds(5)
    }

    var snapshot: DiscoverySnapshot {
        DiscoverySnapshot(instances: instances, state: interruption ?? waitingState ?? .live)
    }

    private var waitingState: DiscoveryState? {
        guard let missingUntil else { return nil }
        return .stale(
            since: missingUntil.advanced(by: .zero - grace),
            cause: "etcd was away, or has lost its data; \(missing.count) instances have not registered again yet"
        )
    }

    mutating func replace(
        with found: [ServiceInstance],
        _ cause: SnapshotCause,
        at now: ContinuousClock.Instant
    ) {
        connected(at: now)
        var kept: [ServiceInstance] = []
        if cause == .storeReset || missingUntil != nil || isDoubtful(remaining: found.count, at: now) {
            let ids = Set(found.map(\.id))
            kept = instances.filter { !ids.contains($0.id) }
            missing = Set(kept.map(\.id))
            missingUntil = missing.isEmpty ? nil : missingUntil ?? now.advanced(by: grace)
        }
        instances.replace(with: found + kept)
    }

    mutating func update(_ instance: ServiceInstance) {
        instances.update(instance)
        outage?.heardOf.insert(instance.id)
        noLongerMissing(instance.id)
    }

    mutating func remove(id: String, at now: ContinuousClock.Instant) {
        // Nothing is known of an instance that is missing before it has come and gone.
        guard !missing.contains(id), instances[id] != nil else { return }
        if outage?.heardOf.contains(id) == false, isDoubtful(remaining: instances.count - missing.count - 1, at: now) {
            missing.insert(id)
            missingUntil = missingUntil ?? now.advanced(by: grace)
        } else {
            instances.remove(id: id)
        }
    }

    mutating func connected(at now: ContinuousClock.Instant) {
        interruption = nil
        guard var ended = outage, ended.until == nil else { return }
        ended.until = now.advanced(by: grace)
        outage = ended
    }

    mutating func interrupted(_ cause: String, at now: ContinuousClock.Instant) {
        guard interruption == nil else { return }
        interruption = .stale(since: now, cause: cause)
        outage = Outage(known: instances.count)
    }

    /// Whether it is to be doubted that instances have gone: it is soon after an outage, and more than half are said to
    /// have. Fewer are believed, as there are others for the calls then.
    private func isDoubtful(remaining: Int, at now: ContinuousClock.Instant) -> Bool {
        guard let outage, let until = outage.until, now < until else { return false }
        return remaining * 2 < outage.known
    }

    /// Those that are missing still have had their time.
    mutating func expire(at now: ContinuousClock.Instant) {
        guard let missingUntil, missingUntil <= now else { return }
        for id in missing { instances.remove(id: id) }
        missing = []
        self.missingUntil = nil
    }

    private mutating func noLongerMissing(_ id: String) {
        guard missing.remove(id) != nil, missing.isEmpty else { return }
        missingUntil = nil
    }
}
