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
/// A call is also refused, whatever its priority, if it would wait for more than half of the time until its deadline. The other
/// half is for its handler, and for the error of the prediction. If calls were let in until their whole time, a queue would
/// settle at just that length, and each call would begin too late: in a simulation, 8 workers at twice their load then answer
/// 0.7 of what they could in time, and with half of the time all of it. Here `min` does not count, as the caller gives up
/// anyway. But there must be a prediction: at least one call has begun while another waited, and the wait is no trifle.
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

    /// A shorter wait refuses no call.
    private static let trifle = 1e6
    /// The part of a call's time that it may wait.
    private static let waitShare = 0.5

    /// A call arrives.
    ///
    /// - Parameters:
    ///   - priority: Its priority.
    ///   - timeLeft: The time until its deadline, in nanoseconds; `nil` if it has none. It is asked for only if the call waits.
    ///   - now: The time.
    ///   - options: The rules.
    /// - Returns: Its number; `nil` if it is refused.
    mutating func arrive(
        _ priority: CallPriority, timeLeft: () -> Double? = { nil }, at now: UInt64, _ options: borrowing Options
    ) -> UInt64? {
        if refuses(priority, timeLeft: timeLeft, at: now, options) { return nil }
        arrivals.append(Arrival(time: now, begunBefore: begun))
        count += 1
        return first + UInt64(arrivals.count) - 1
    }

    /// Whether a call that arrives is refused.
    func refuses(
        _ priority: CallPriority, timeLeft: () -> Double? = { nil }, at now: UInt64, _ options: borrowing Options
    ) -> Bool {
        if count == 0 { return false }
        let share = priority.delayShare
        let mayBeTooMany = Double(count) >= Double(options.min) * share
        // Most calls: it takes less time than to look at the options and the deadline.
        if !mayBeTooMany, isDelayTrifling(at: now) { return false }
        let target = options.targetDelay / .nanoseconds(1)
        let late = target / 4
        guard let wait = longestWait(at: now, late: late) else { return false }
        let predicted = delay(by: wait)
        if mayBeTooMany, Double(wait.time) > late, predicted > target * share { return true }
        guard wait.begun > 0, predicted > Self.trifle, let left = timeLeft() else { return false }
        // Without any time left it is answered as late.
        return left > 0 && predicted > left * Self.waitShare
    }

    /// How long a new call waits, by the wait of another one.
    private func delay(by wait: Wait) -> Double {
        // A call that waits has not begun: so at least one call more than those that have.
        Double(count) * Double(wait.time) / Double(wait.begun + 1)
    }

    /// Whether a new call waits for so little that it is not refused for its deadline.
    private func isDelayTrifling(at now: UInt64) -> Bool {
        if let last, delay(by: last.wait) > Self.trifle { return false }
        return arrivals.first.map { delay(by: wait(of: $0, at: now)) <= Self.trifle } ?? true
    }

    private func wait(of arrival: Arrival, at now: UInt64) -> Wait {
        Wait(time: Self.elapsed(from: arrival.time, to: now), begun: begun - arrival.begunBefore)
    }

    /// The wait of the call that has waited longest, or of the one that began last.
    private func longestWait(at now: UInt64, late: Double) -> Wait? {
        // Where handlers run on event loops, all calls of a read arrive at once when all of the read before have begun.
        let recent = last.flatMap { last in
            Double(Self.elapsed(from: last.at, to: now)) <= max(4 * late, Double(last.wait.time)) ? last.wait : nil
        }
        guard let head = arrivals.first else { return recent }
        let wait = wait(of: head, at: now)
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
            last = (wait(of: arrival, at: now), now)
            begun += 1
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
