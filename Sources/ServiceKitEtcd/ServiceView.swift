internal import EtcdClient
internal import ServiceKit

/// What is known of a service's instances, put together from what etcd says.
///
/// When etcd has lost its data, its empty list is no word on which instances live: they register again, each in its own
/// time. Those known before are kept for as long, and what is told is marked as stale until all are back or the time is
/// over.
struct ServiceView: Sendable {
    private var instances = InstanceSet()
    /// Instances that etcd has forgotten and that may be registered again.
    private var missing: Set<String> = []
    private(set) var missingUntil: ContinuousClock.Instant?
    private var interruption: DiscoveryState?
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
            cause: "etcd has lost its data; \(missing.count) instances have not registered again yet"
        )
    }

    mutating func replace(
        with found: [ServiceInstance],
        _ cause: SnapshotCause,
        at now: ContinuousClock.Instant
    ) {
        interruption = nil
        var kept: [ServiceInstance] = []
        if cause == .storeReset || missingUntil != nil {
            let ids = Set(found.map(\.id))
            kept = instances.filter { !ids.contains($0.id) }
            missing = Set(kept.map(\.id))
            missingUntil = missing.isEmpty ? nil : missingUntil ?? now.advanced(by: grace)
        }
        instances.replace(with: found + kept)
    }

    mutating func update(_ instance: ServiceInstance) {
        instances.update(instance)
        noLongerMissing(instance.id)
    }

    mutating func remove(id: String) {
        // Nothing is known of an instance that is missing before it has come and gone.
        guard !missing.contains(id) else { return }
        instances.remove(id: id)
    }

    mutating func connected() {
        interruption = nil
    }

    mutating func interrupted(_ cause: String, at now: ContinuousClock.Instant) {
        if interruption == nil { interruption = .stale(since: now, cause: cause) }
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
