/// The calls in flight, and those of them that began in this epoch of five seconds or the one before. The others are streams,
/// most likely: they wait for events and take no part in a queue.
///
/// All times are in nanoseconds from any origin.
struct CallsInFlight: Sendable {
    struct Count: Sendable {
        fileprivate(set) var calls = 0
        fileprivate(set) var critical = 0

        fileprivate mutating func add(_ number: Int, isCritical: Bool) {
            calls += number
            if isCritical { critical += number }
        }

        fileprivate static func + (left: Count, right: Count) -> Count {
            Count(calls: left.calls + right.calls, critical: left.critical + right.critical)
        }
    }

    static let epochTime: UInt64 = 5_000_000_000

    private(set) var all = Count()
    private var epoch: UInt64 = 0
    private var young = Count()
    private var old = Count()
    /// The most critical calls that wanted to be in flight at a time, in this epoch and the one before.
    private var criticalPeak = (young: 0, old: 0)

    /// The calls that are no streams.
    var recent: Count { young + old }

    /// Goes on to the epoch of a time.
    mutating func advance(to now: UInt64) {
        let next = now / Self.epochTime
        guard next > epoch else { return }
        let isNext = next == epoch + 1
        old = isNext ? young : Count()
        young = Count()
        criticalPeak = (0, isNext ? criticalPeak.young : 0)
        epoch = next
    }

    /// A critical call wants to begin.
    mutating func noteCriticalDemand() {
        criticalPeak.young = max(criticalPeak.young, all.critical + 1)
    }

    /// Whether a call may begin. Room is kept for as many critical calls as there have been at a time: a place that one of them
    /// leaves for a moment would else be taken.
    func hasRoom(for priority: CallPriority, of limit: Int, among count: Count) -> Bool {
        guard count.calls < max(1, limit) else { return false }
        let reserve = max(criticalPeak.young, criticalPeak.old)
        return priority == .critical || count.calls - count.critical < priority.share(of: limit, reserve: reserve)
    }

    /// A call begins.
    ///
    /// - Returns: The epoch in which it counts.
    mutating func add(isCritical: Bool) -> UInt64 {
        all.add(1, isCritical: isCritical)
        young.add(1, isCritical: isCritical)
        return epoch
    }

    /// A call has ended.
    mutating func remove(of callEpoch: UInt64, isCritical: Bool) {
        all.add(-1, isCritical: isCritical)
        if callEpoch == epoch {
            young.add(-1, isCritical: isCritical)
        } else if callEpoch + 1 == epoch {
            old.add(-1, isCritical: isCritical)
        }
    }
}
