/// The leases that are kept alive, with the times of their renewals and of their loss.
struct LeaseTable<Listener> {
    private struct Entry {
        var ttl: Duration
        var renewal: ContinuousClock.Instant
        /// The time at which the lease is lost unless an answer comes.
        var expiry: ContinuousClock.Instant
        /// The time at which the unanswered renewal was sent; `nil` if every renewal was answered.
        var sent: ContinuousClock.Instant?
        let listener: Listener
    }

    private var entries: [LeaseID: Entry] = [:]
    private(set) var isClosed = false

    /// The part of a lease's life after which it is renewed; random within these bounds.
    private static var interval: ClosedRange<Double> { 0.9 / 3...1.1 / 3 }
    /// The part of a lease's life that an answer may take. A gRPC proxy answers when it next renews the lease itself,
    /// after each third of that life. The rest is enough to ask another member.
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

    /// Takes the leases to renew now. They count as sent.
    mutating func takeDue(at now: ContinuousClock.Instant) -> [LeaseID] {
        let due = entries.filter { $0.value.renewal <= now }
        for (id, var entry) in due {
            entry.sent = entry.sent ?? now
            entry.renewal = now.advanced(by: Self.pause(entry.ttl))
            entries[id] = entry
        }
        return Array(due.keys)
    }

    var nextRenewal: ContinuousClock.Instant? { entries.values.map(\.renewal).min() }

    /// The time at which an answer is overdue, so that another member should be asked.
    var answerDeadline: ContinuousClock.Instant? {
        entries.values.compactMap { entry in
            entry.sent?.advanced(by: entry.ttl * Self.answerPart)
        }.min()
    }

    /// Notes the answer to a renewal, and returns the listener.
    mutating func renewed(_ id: LeaseID, ttl: Duration, at now: ContinuousClock.Instant) -> Listener? {
        guard var entry = entries[id] else { return nil }
        entry.ttl = ttl
        // Counts from the request: etcd counts from a later moment.
        entry.expiry = (entry.sent ?? now).advanced(by: ttl)
        entry.sent = nil
        entries[id] = entry
        return entry.listener
    }

    /// Removes a lease that is gone, and returns its listener.
    mutating func lost(_ id: LeaseID) -> Listener? {
        entries.removeValue(forKey: id)?.listener
    }

    /// Notes that the stream broke. Unanswered renewals become due at once.
    mutating func disconnected(at now: ContinuousClock.Instant) {
        for (id, entry) in entries where entry.sent != nil {
            entries[id]?.sent = nil
            entries[id]?.renewal = now
        }
    }

    /// The time at which the next lease is lost if no answer comes.
    var nextExpiry: ContinuousClock.Instant? { entries.values.map(\.expiry).min() }

    /// Removes the leases that were not renewed in time.
    mutating func takeExpired(at now: ContinuousClock.Instant) -> [(id: LeaseID, listener: Listener)] {
        let expired = entries.filter { $0.value.expiry <= now }.map { (id: $0.key, listener: $0.value.listener) }
        for (id, _) in expired { entries[id] = nil }
        return expired
    }

    /// Removes all leases, and accepts none from now on.
    mutating func close() -> [Listener] {
        isClosed = true
        defer { entries = [:] }
        return entries.values.map(\.listener)
    }

    private static func pause(_ ttl: Duration) -> Duration { ttl * Double.random(in: interval) }
}
