internal import ServiceKitConcurrency
internal import Synchronization

struct Member: Sendable {
    let endpoint: EtcdEndpoint
    let caller: any Caller
}

/// The cluster's members. Calls go to one member as long as it works.
final class Members: Sendable {
    let all: [Member]
    private let choice: Mutex<MemberChoice>
    private let now: @Sendable () -> ContinuousClock.Instant

    init(_ all: [Member], first: Int, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.all = all
        self.now = now
        choice = Mutex(MemberChoice(count: all.count, first: first))
    }

    /// Picks the member to use now. If there is a choice and no member is connected, waits for the first connection,
    /// until the deadline: a member with a slow name server or a silent host delays no call.
    func pick(until deadline: ContinuousClock.Instant) async -> (index: Int, member: Member) {
        while true {
            let now = now()
            let (index, next) = choice.withLock { choice in
                (choice.pick(at: now) { all[$0].caller.reachability }, choice.nextUsable(after: now))
            }
            guard all.count > 1, all[index].caller.reachability == .connecting, !Task.isCancelled else {
                return (index, all[index])
            }
            guard now < deadline else {
                // A member that failed lately is better than none.
                let connected = all.firstIndex { $0.caller.reachability == .connected } ?? index
                return (connected, all[connected])
            }
            await waitForAttempt(until: min(deadline, next ?? deadline))
        }
    }

    /// Waits until one of the current attempts to connect has ended.
    private func waitForAttempt(until deadline: ContinuousClock.Instant) async {
        let callers = all.map(\.caller).filter { $0.reachability == .connecting }
        try? await withDeadline(deadline, onExpiry: CancellationError()) {
            await withTaskGroup(of: Void.self) { group in
                for caller in callers { group.addTask { await caller.waitForAttempt() } }
                await group.next()
                group.cancelAll()
            }
        }
    }

    /// Notes that a member did not answer, or cannot.
    func failed(_ index: Int) {
        choice.withLock { $0.failed(index, at: now()) }
    }

    /// Notes that a member answered.
    func succeeded(_ index: Int) {
        choice.withLock { $0.succeeded(index) }
    }
}

/// Picks a member: the same member until it fails or loses its connection, then the next that has not failed lately.
struct MemberChoice: Sendable {
    private struct Health {
        var failures = 0
        /// The member is avoided until then, unless there is no other.
        var avoidedUntil: ContinuousClock.Instant?
    }

    /// The time for which a member is avoided after its first failure. Each further failure doubles it.
    static let firstAvoidance = Duration.milliseconds(500)
    static let longestAvoidance = Duration.seconds(10)

    private var current: Int
    private var health: [Health]

    init(count: Int, first: Int) {
        health = Array(repeating: Health(), count: count)
        current = first
    }

    /// The index of the member for the next call. `reachability` says whether a member can be called now.
    mutating func pick(
        at now: ContinuousClock.Instant,
        _ reachability: (Int) -> Reachability = { _ in .connected }
    ) -> Int {
        func isUsable(_ index: Int) -> Bool { health[index].avoidedUntil.map { $0 <= now } ?? true }
        if isUsable(current), reachability(current) == .connected { return current }
        let ring = (0..<health.count).map { (current + $0) % health.count }
        let usable = ring.filter(isUsable).map { (index: $0, reachability: reachability($0)) }
        if let best = usable.first(where: { $0.reachability == .connected })
            ?? usable.first(where: { $0.reachability == .connecting }) ?? usable.first
        {
            current = best.index
        } else if let soonest = ring.min(by: { (health[$0].avoidedUntil ?? now) < (health[$1].avoidedUntil ?? now) }) {
            current = soonest
        }
        return current
    }

    /// The earliest time at which an avoided member becomes usable; `nil` if no member is avoided.
    func nextUsable(after now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        health.compactMap(\.avoidedUntil).filter { $0 > now }.min()
    }

    mutating func failed(_ index: Int, at now: ContinuousClock.Instant) {
        // Calls that fail together count as one failure.
        if let until = health[index].avoidedUntil, until > now { return }
        let avoidance = min(Self.firstAvoidance * (1 << min(health[index].failures, 10)), Self.longestAvoidance)
        health[index].failures += 1
        health[index].avoidedUntil = now.advanced(by: avoidance)
    }

    mutating func succeeded(_ index: Int) {
        health[index] = Health()
    }
}
