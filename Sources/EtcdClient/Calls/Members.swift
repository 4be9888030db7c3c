internal import Synchronization

/// One member of the cluster.
struct Member: Sendable {
    let endpoint: EtcdEndpoint
    let caller: any Caller
}

/// The members, of which one is used as long as it works.
final class Members: Sendable {
    let all: [Member]
    private let choice: Mutex<MemberChoice>

    init(_ all: [Member], first: Int) {
        self.all = all
        choice = Mutex(MemberChoice(count: all.count, first: first))
    }

    /// Which one to use now.
    func pick() -> (index: Int, member: Member) {
        let index = choice.withLock { $0.pick(at: .now) }
        return (index, all[index])
    }

    /// A member did not answer, or cannot.
    func failed(_ index: Int) {
        choice.withLock { $0.failed(index, at: .now) }
    }

    /// A member answered.
    func succeeded(_ index: Int) {
        choice.withLock { $0.succeeded(index) }
    }
}

/// Which member to use: the same one until it fails, then the next that has not failed lately.
struct MemberChoice: Sendable {
    private struct Health {
        var failures = 0
        /// Not to be used before, unless there is no other.
        var avoidedUntil: ContinuousClock.Instant?
    }

    /// How long a member is avoided after it failed once; twice as long after each further time.
    static let firstAvoidance = Duration.milliseconds(500)
    static let longestAvoidance = Duration.seconds(10)

    private var current: Int
    private var health: [Health]

    init(count: Int, first: Int) {
        health = Array(repeating: Health(), count: count)
        current = first
    }

    mutating func pick(at now: ContinuousClock.Instant) -> Int {
        let ring = (0..<health.count).map { (current + $0) % health.count }
        func isUsable(_ index: Int) -> Bool { health[index].avoidedUntil.map { $0 <= now } ?? true }
        if let usable = ring.first(where: isUsable) {
            current = usable
        } else if let soonest = ring.min(by: { (health[$0].avoidedUntil ?? now) < (health[$1].avoidedUntil ?? now) }) {
            current = soonest
        }
        return current
    }

    mutating func failed(_ index: Int, at now: ContinuousClock.Instant) {
        // Calls that fail together are one failure.
        if let until = health[index].avoidedUntil, until > now { return }
        let avoidance = min(Self.firstAvoidance * (1 << min(health[index].failures, 10)), Self.longestAvoidance)
        health[index].failures += 1
        health[index].avoidedUntil = now.advanced(by: avoidance)
    }

    mutating func succeeded(_ index: Int) {
        health[index] = Health()
    }
}
