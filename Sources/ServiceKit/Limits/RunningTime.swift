/// The time in which the process ran: what calls have waited is measured by it.
///
/// While calls wait, a process that uses no processor time is kept from the processors, or was stopped. Others have caused that
/// wait: other programs on the machine, or the machine itself. As soon as the process runs again, it begins the calls at its
/// usual rate. So while calls wait, time counts only as far as the process used processor time.
///
/// A quota of its control group is the process's own: it is compared with the part of a processor that it may use, at most one.
/// The kernel lets it run faster until the quota of a period is used up, and then stops it. So what it used beyond its part
/// counts for the time behind it, up to one period.
///
/// A process that gets only a part of a processor for long does serve fewer calls. So at most ``mostExcused`` of a long time is
/// left out, beside ``longestExcuse`` at once: such a process refuses calls when they wait four times as long as on an idle
/// machine. So does one whose handlers block their threads.
///
/// All times are in nanoseconds from any origin, not 0.
struct RunningTime: Sendable {
    /// Processor time is read no more often: it costs a call of the system.
    private static let resolution: UInt64 = 1_000_000
    /// The part of a long time that is left out at most.
    private static let mostExcused = 0.75
    /// The time that is left out beside it.
    private static let longestExcuse = 1e9

    private let processorTime: @Sendable () -> UInt64
    /// The part of a processor that the process may use.
    private let share: Double
    /// The processor time that may be saved up: the part of one period of the quota.
    private let mostSaved: Double
    /// The processor time used beyond the part, which explains a stop by the quota.
    private var saved = 0.0
    private var last: (time: UInt64, processorTime: UInt64)?
    /// The time that was left out so far.
    private var excused: UInt64 = 0
    /// The time that may be left out now; less than 0 after a long stop.
    private var credit = longestExcuse

    /// - Parameters:
    ///   - processors: How many processors the process may use.
    ///   - period: The period of the quota that says so, in nanoseconds; `nil` if there is no quota.
    ///   - processorTime: The processor time that the process has used, in nanoseconds.
    init(processors: Double = 1, period: Double? = nil, processorTime: @escaping @Sendable () -> UInt64) {
        self.processorTime = processorTime
        share = min(1, max(0.001, processors))
        mostSaved = share * (period ?? 0)
    }

    /// The running time of a process.
    init(_ usage: ProcessorUsage) {
        self.init(processors: usage.processors, period: usage.quotaPeriod, processorTime: usage.used)
    }

    /// The running time at a moment.
    ///
    /// - Parameters:
    ///   - now: The moment.
    ///   - callsWait: Whether calls have waited since the moment before.
    mutating func time(at now: UInt64, callsWait: Bool) -> UInt64 {
        guard let last else {
            last = (now, processorTime())
            return now
        }
        guard now >= last.time + Self.resolution else { return max(now, last.time) - excused }
        let (elapsed, used) = (now - last.time, processorTime())
        self.last = (now, used)
        credit = min(credit + Self.mostExcused * Double(elapsed), Self.longestExcuse)
        let ran = used > last.processorTime ? Double(used - last.processorTime) : 0
        let (expected, explained) = (share * Double(elapsed), ran + saved)
        saved = min(max(0, explained - expected), mostSaved)
        if callsWait, explained < expected, credit > 0 {
            let lost = (1 - explained / expected) * Double(elapsed)
            excused += min(elapsed, UInt64(lost))
            credit = max(credit - lost, -Self.longestExcuse)
        }
        return now - excused
    }
}
