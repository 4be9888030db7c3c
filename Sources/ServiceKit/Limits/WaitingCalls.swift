internal import DequeModule

/// The calls that wait for the place where handlers run, and the refusal of those that would wait for too long: the algorithm
/// `adaptive`.
///
/// A call waits from its arrival until its task runs for the first time. That time is the queueing delay, as DAGOR
/// (SoCC 2018) and Breakwater (OSDI 2020) measure it. The time that a handler takes is no part of it: a handler that waits for
/// a slow database lets others run.
///
/// By Little's law a new call waits for as long as it takes to begin all calls that wait now. How fast calls begin shows in the
/// call that has waited longest, and in the one that began last: so many calls began while it waited. A call is refused if
///
/// - calls are late: one of those two has waited longer than half of the bound of a sheddable call, and
/// - the new call would wait longer than the bound of its ``CallPriority``, and
/// - at least ``Options/min`` calls wait, for its priority in the same proportion.
///
/// Without the first, a burst that is served soon would be refused. There are no windows and there is no limit to be found:
/// the first call of an overload that would wait for too long is refused.
///
/// All times are in nanoseconds from any origin, not 0.
struct WaitingCalls: Sendable {
    /// The section `server.limit.adaptive`.
    typealias Options = ConcurrencyLimit.Options.Adaptive

    private struct Arrival {
        let time: UInt64
        /// The calls that had begun by then.
        let begunBefore: UInt64
        var waits = true
    }

    /// How long a call has waited, and how many began meanwhile.
    private struct Wait {
        var time: UInt64
        var begun: UInt64
    }

    /// By arrival; the first one waits.
    private var arrivals: Deque<Arrival> = []
    /// The number of the first arrival.
    private var first: UInt64 = 0
    /// The calls that wait.
    private(set) var count = 0
    /// The calls that have begun.
    private var begun: UInt64 = 0
    /// The wait of the call that began last, and when it began.
    private var last: (wait: Wait, at: UInt64)?

    /// A call arrives.
    ///
    /// - Returns: Its number; `nil` if it is refused.
    mutating func arrive(_ priority: CallPriority, at now: UInt64, _ options: borrowing Options) -> UInt64? {
        if refuses(priority, at: now, options) { return nil }
        arrivals.append(Arrival(time: now, begunBefore: begun))
        count += 1
        return first + UInt64(arrivals.count) - 1
    }

    /// Whether a call that arrives is refused.
    func refuses(_ priority: CallPriority, at now: UInt64, _ options: borrowing Options) -> Bool {
        let share = priority.delayShare
        if Double(count) < Double(options.min) * share { return false }
        return isTooLate(share, at: now, target: options.targetDelay / .nanoseconds(1))
    }

    private func isTooLate(_ share: Double, at now: UInt64, target: Double) -> Bool {
        let late = target / 4
        guard let wait = longestWait(at: now, late: late), Double(wait.time) > late else { return false }
        // A call that waits has not begun: so at least one call more than those that have.
        return Double(count) * Double(wait.time) / Double(wait.begun + 1) > target * share
    }

    /// The wait of the call that has waited longest, or of the one that began last.
    private func longestWait(at now: UInt64, late: Double) -> Wait? {
        // Where handlers run on event loops, all calls of a read arrive at once when all of the read before have begun.
        let recent = last.flatMap { last in
            Double(Self.elapsed(from: last.at, to: now)) <= max(4 * late, Double(last.wait.time)) ? last.wait : nil
        }
        guard let head = arrivals.first else { return recent }
        let wait = Wait(time: Self.elapsed(from: head.time, to: now), begun: begun - head.begunBefore)
        guard let recent, recent.time > wait.time else { return wait }
        return recent
    }

    /// A call waits no longer.
    ///
    /// - Parameters:
    ///   - number: The number that it got when it arrived.
    ///   - hasBegun: Whether its task runs; if not, it has ended before.
    ///   - now: The time.
    mutating func leave(_ number: UInt64, hasBegun: Bool, at now: UInt64) {
        let index = Int(truncatingIfNeeded: number &- first)
        guard arrivals.indices.contains(index), arrivals[index].waits else { return }
        let arrival = arrivals[index]
        arrivals[index].waits = false
        count -= 1
        if hasBegun {
            let wait = Wait(time: Self.elapsed(from: arrival.time, to: now), begun: begun - arrival.begunBefore)
            begun += 1
            last = (wait, now)
        }
        while arrivals.first?.waits == false {
            arrivals.removeFirst()
            first += 1
        }
    }

    /// Times are taken before the lock, so that another task's may be a little later.
    private static func elapsed(from start: UInt64, to end: UInt64) -> UInt64 { end > start ? end - start : 0 }
}

extension CallPriority {
    /// How long a call of this priority may wait, in proportion to the target: so that calls of more weight find room.
    fileprivate var delayShare: Double {
        switch self {
        case .sheddable: 0.5
        case .default: 1
        case .critical: 2
        }
    }
}
