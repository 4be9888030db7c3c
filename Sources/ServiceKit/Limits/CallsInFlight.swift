/// The calls in flight.
///
/// All times are in nanoseconds from any origin.
struct CallsInFlight: Sendable {
    /// How long critical calls are remembered, once or twice.
    private static let epochTime: UInt64 = 5_000_000_000

    private(set) var count = 0
    private var critical = 0
    private var epoch: UInt64 = 0
    /// The most critical calls that wanted to be in flight at a time, in this epoch and the one before.
    private var criticalPeak = (young: 0, old: 0)

    /// Goes on to the epoch of a time.
    mutating func advance(to now: UInt64) {
        let next = now / Self.epochTime
        guard next > epoch else { return }
        criticalPeak = (0, next == epoch + 1 ? criticalPeak.young : 0)
        epoch = next
    }

    /// A critical call wants to begin.
    mutating func noteCriticalDemand() {
        criticalPeak.young = max(criticalPeak.young, critical + 1)
    }

    /// Whether a call may begin. Room is kept for as many critical calls as there have been at a time: a place that one of them
    /// leaves for a moment would else be taken.
    func hasRoom(for priority: CallPriority, of limit: Int) -> Bool {
        guard count < max(1, limit) else { return false }
        let reserve = max(criticalPeak.young, criticalPeak.old)
        return priority == .critical || count - critical < priority.share(of: limit, reserve: reserve)
    }

    /// A call begins.
    mutating func add(isCritical: Bool) {
        count += 1
        if isCritical { critical += 1 }
    }

    /// A call has ended.
    mutating func remove(isCritical: Bool) {
        count -= 1
        if isCritical { critical -= 1 }
    }
}
