/// The leases that are kept alive: when each is to be renewed, and when it is lost.
struct LeaseTable<Listener> {
    private struct Entry {
        var ttl: Duration
        /// When to renew it next.
        var renewal: ContinuousClock.Instant
        /// When it is lost unless an answer comes.
        var expiry: ContinuousClock.Instant
        /// When the renewal was sent that has not been answered.
        var sent: ContinuousClock.Instant?
        let listener: Listener
    }

    private var entries: [LeaseID: Entry] = [:]
    private(set) var isClosed = false

    /// A lease is renewed after this part of its time to live, a little less or more each time.
    private static var interval: ClosedRange<Double> { 0.9 / 3...1.1 / 3 }
    /// An answer may take this part of the lease's time to live. A gRPC proxy answers when it next renews the lease itself,
    /// which it does after each third of that time. What is left is enough to ask another member.
    private static var answerPart: Double { 0.5 }

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    mutating func add(_ lease: Lease, _ listener: Listener, at now: ContinuousClock.Instant) -> Listener? {
        let previous = entries[lease.id]?.listener
        entries[lease.id] = Entry(
            ttl: lease.ttl,
            renewal: now.advanced(by: Self.pause(lease.ttl)),
            expiry: now.advanced(by: lease.ttl),
            listener: listener
        )
        return previous
    }

    mutating func remove(_ id: LeaseID) {
        entries[id] = nil
    }

    /// The leases to renew now; they count as sent.
    mutating func takeDue(at now: ContinuousClock.Instant) -> [LeaseID] {
        let due = entries.filter { $0.value.renewal <= now }
        for (id, var entry) in due {
            entry.sent = entry.sent ?? now
            entry.renewal = now.advanced(by: Self.pause(entry.ttl))
            entries[id] = entry
        }
        return Array(due.keys)
    }

    /// When the next lease is to be renewed.
    var nextRenewal: ContinuousClock.Instant? { entries.values.map(\.renewal).min() }

    /// When an answer is overdue, so that another member had better be asked.
    var answerDeadline: ContinuousClock.Instant? {
        entries.values.compactMap { entry in
            entry.sent?.advanced(by: entry.ttl * Self.answerPart)
        }.min()
    }

    /// A renewal was answered.
    ///
    /// - Returns: Who listens.
    mutating func renewed(_ id: LeaseID, ttl: Duration, at now: ContinuousClock.Instant) -> Listener? {
        guard var entry = entries[id] else { return nil }
        entry.ttl = ttl
        // From when it was asked for: etcd has counted from a moment after that.
        entry.expiry = (entry.sent ?? now).advanced(by: ttl)
        entry.sent = nil
        entries[id] = entry
        return entry.listener
    }

    /// A lease is gone.
    ///
    /// - Returns: Who listens.
    mutating func lost(_ id: LeaseID) -> Listener? {
        entries.removeValue(forKey: id)?.listener
    }

    /// The stream broke: what was not answered is asked for again.
    mutating func disconnected(at now: ContinuousClock.Instant) {
        for (id, entry) in entries where entry.sent != nil {
            entries[id]?.sent = nil
            entries[id]?.renewal = now
        }
    }

    /// When the next lease is lost if nothing happens.
    var nextExpiry: ContinuousClock.Instant? { entries.values.map(\.expiry).min() }

    /// Takes out the leases that were not renewed in time.
    mutating func takeExpired(at now: ContinuousClock.Instant) -> [(id: LeaseID, listener: Listener)] {
        let expired = entries.filter { $0.value.expiry <= now }.map { (id: $0.key, listener: $0.value.listener) }
        for (id, _) in expired { entries[id] = nil }
        return expired
    }

    /// Takes out all leases, for good: none is to be added any more.
    mutating func close() -> [Listener] {
        isClosed = true
        defer { entries = [:] }
        return entries.values.map(\.listener)
    }

    private static func pause(_ ttl: Duration) -> Duration { ttl * Double.random(in: interval) }
}
