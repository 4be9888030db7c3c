/// The time in which the process ran: what calls have waited is measured by it.
///
/// While calls wait, a process that uses no processor time is kept from the processors, or was stopped. Others have caused that
/// wait: other programs on the machine, or the machine itself. As soon as the process runs again, it begins the calls at its
/// usual rate. So while calls wait, time counts only as far as the process used processor time.
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
    private var last: (time: UInt64, processorTime: UInt64)?
    /// The time that was left out so far.
    private var excused: UInt64 = 0
    /// The time that may be left out now; less than 0 after a long stop.
    private var credit = longestExcuse

    /// - Parameter processorTime: The processor time that the process has used, in nanoseconds.
    init(processorTime: @escaping @Sendable () -> UInt64) {
        self.processorTime = processorTime
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
        let ran = used > last.processorTime ? used - last.processorTime : 0
        if callsWait, ran < elapsed, credit > 0 {
            excused += elapsed - ran
            credit = max(credit - Double(elapsed - ran), -Self.longestExcuse)
        }
        return now - excused
    }
}
