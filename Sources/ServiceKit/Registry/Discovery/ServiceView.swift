/// The known instances of a service, put together from a registry's lists and events.
///
/// A registry that has lost its data gives an empty list. Its instances may still live, and then register again,
/// each in its own time. A registry that was away may end the entries that nobody could renew meanwhile, all of them at once.
/// So the instances known before are kept for a while, and the view is stale until all of them are back or the time is over.
///
/// ```
/// live ──interrupted──► stale ──connected──► live
/// live ──most are gone, soon after an outage or a loss of data──► stale ──all back, or the time is over──► live
/// ```
public struct ServiceView: Sendable {
    /// A time in which the registry could not be reached, and in which instances could not renew their entries.
    private struct Outage {
        /// How many instances were known.
        let known: Int
        /// Until when instances may be taken out because of it; `nil` while the outage goes on.
        var until: ContinuousClock.Instant?
        /// The instances that were heard of since.
        var heardOf: Set<String> = []
    }

    private var instances = InstanceSet()
    /// Instances that the registry has forgotten and that may be registered again.
    private var missing: Set<String> = []
    private(set) var missingUntil: ContinuousClock.Instant?
    private var interruption: DiscoveryState?
    private var outage: Outage?
    private let grace: Duration

    /// - Parameter grace: How long instances are kept that may be registered again.
    init(grace: Duration) {
        self.grace = grace
    }

    var snapshot: DiscoverySnapshot {
        DiscoverySnapshot(instances: instances, state: interruption ?? waitingState ?? .live)
    }

    private var waitingState: DiscoveryState? {
        guard let missingUntil else { return nil }
        return .stale(
            since: missingUntil.advanced(by: .zero - grace),
            cause: "the registry was away, or has lost its data; \(missing.count) instances have not registered again"
                + " yet"
        )
    }

    // MARK: - The registry's news

    /// The registry can be reached, and these are all instances. `lostData` says that the registry is known to have
    /// lost its data, or is another one.
    public mutating func replace(
        with found: [ServiceInstance],
        lostData: Bool = false,
        at now: ContinuousClock.Instant = .now
    ) {
        connected(at: now)
        var kept: [ServiceInstance] = []
        if lostData || missingUntil != nil || isDoubtful(remaining: found.count, at: now) {
            let ids = Set(found.map(\.id))
            kept = instances.filter { !ids.contains($0.id) }
            missing = Set(kept.map(\.id))
            missingUntil = missing.isEmpty ? nil : missingUntil ?? now.advanced(by: grace)
        }
        instances.replace(with: found + kept)
    }

    /// An instance has come or changed.
    public mutating func update(_ instance: ServiceInstance) {
        instances.update(instance)
        outage?.heardOf.insert(instance.id)
        noLongerMissing(instance.id)
    }

    /// An instance has gone.
    public mutating func remove(id: String, at now: ContinuousClock.Instant = .now) {
        // A missing instance has gone already; it has to come first.
        guard !missing.contains(id), instances[id] != nil else { return }
        if outage?.heardOf.contains(id) == false, isDoubtful(remaining: instances.count - missing.count - 1, at: now) {
            missing.insert(id)
            missingUntil = missingUntil ?? now.advanced(by: grace)
        } else {
            instances.remove(id: id)
        }
    }

    /// The registry can be reached, and the view is up to date.
    public mutating func connected(at now: ContinuousClock.Instant = .now) {
        interruption = nil
        guard var ended = outage, ended.until == nil else { return }
        ended.until = now.advanced(by: grace)
        outage = ended
    }

    /// The registry cannot be reached: the view may be out of date. Of an outage's causes the first is told.
    public mutating func interrupted(_ cause: String, at now: ContinuousClock.Instant = .now) {
        guard interruption == nil else { return }
        interruption = .stale(since: now, cause: cause)
        outage = Outage(known: instances.count)
    }

    /// Whether to doubt that instances have gone: soon after an outage, when more than half are said to have. Fewer are
    /// believed, as others can take the calls then.
    private func isDoubtful(remaining: Int, at now: ContinuousClock.Instant) -> Bool {
        guard let outage, let until = outage.until, now < until else { return false }
        return remaining * 2 < outage.known
    }

    /// Forgets the missing instances when their time is over.
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
