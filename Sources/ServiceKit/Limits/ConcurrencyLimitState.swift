/// The calls in flight, those that wait, and the limits of their numbers.
///
/// All times are in nanoseconds from any origin, not 0.
struct ConcurrencyLimitState: Sendable {
    typealias Options = ConcurrencyLimit.Options

    /// A call that was admitted.
    enum Ticket: Sendable {
        /// It counts until it ends.
        case inFlight(InFlight)
        /// It counts until it begins, under this number.
        case waiting(UInt64)
        /// It counts both ways: its method has a limit of its own.
        case both(InFlight, waiting: UInt64)
    }

    struct InFlight: Sendable {
        fileprivate let start: UInt64
        fileprivate let isCritical: Bool
        /// Whether the call counts for its method.
        fileprivate let hasMethod: Bool
    }

    enum Begun: Sendable {
        case admitted(Ticket)
        case refused(Refusal)
    }

    /// The reason for which a call is refused.
    struct Refusal: Sendable {
        /// The limit of calls in flight that the call met; `nil` if it would have waited for too long.
        var limit: Int?
    }

    /// A stream takes longer. Its time is no latency.
    private static let longestLatency: UInt64 = 5_000_000_000

    private var calls = CallsInFlight()
    private var methods: [String: Int] = [:]
    private var waiting = WaitingCalls()
    /// The clock of the calls that wait.
    private var runningTime: RunningTime
    private var bbr = BBRLimit()
    private var usage: ProcessorUsage
    private var publishedAt: UInt64 = 0
    private static let publishInterval: UInt64 = 1_000_000_000

    init(usage: ProcessorUsage) {
        self.usage = usage
        runningTime = RunningTime(usage)
    }

    /// The calls in flight that count.
    var inFlight: Int { calls.count }

    /// The limit of calls of the default priority and above; `nil` if there is none now.
    mutating func limit(at now: UInt64, _ options: borrowing Options) -> Int? {
        switch options.concurrency {
        // `adaptive` bounds a time, not a number.
        case .none, .adaptive: nil
        case .fixed: options.fixed.max
        // It acts only while the processors are busy.
        case .bbr: usage.value >= options.bbr.cpuThreshold ? Int(bbr.maximum(at: now)) : nil
        }
    }

    /// The limit, if it is time to tell the metrics of it: once a second.
    mutating func limitToPublish(at now: UInt64, _ options: borrowing Options) -> Int? {
        guard now >= publishedAt + Self.publishInterval, let limit = limit(at: now, options) else { return nil }
        publishedAt = now
        return limit
    }

    /// A call begins, or is refused. The time until its deadline, in nanoseconds, is asked for only if the call waits.
    mutating func begin(
        _ operation: String, _ priority: CallPriority, timeLeft: () -> Double?, at now: UInt64,
        _ options: borrowing Options
    ) -> Begun {
        let most = options.methods.isEmpty ? nil : options.methods[operation]
        if let most, methods[operation, default: 0] >= most { return .refused(Refusal(limit: most)) }
        if options.concurrency == .adaptive {
            let time = runningTime.time(at: now, callsWait: waiting.count > 0)
            guard let number = waiting.arrive(priority, timeLeft: timeLeft, at: time, options.adaptive) else {
                return .refused(Refusal())
            }
            guard most != nil else { return .admitted(.waiting(number)) }
            return .admitted(.both(add(operation, priority, hasMethod: true, at: now), waiting: number))
        }
        if let limit = limitMet(by: priority, at: now, options) { return .refused(Refusal(limit: limit)) }
        return .admitted(.inFlight(add(operation, priority, hasMethod: most != nil, at: now)))
    }

    /// Whether a call would be refused. It does not begin.
    mutating func refusal(
        of operation: String, _ priority: CallPriority, timeLeft: () -> Double?, at now: UInt64,
        _ options: borrowing Options
    ) -> Refusal? {
        let most = options.methods.isEmpty ? nil : options.methods[operation]
        if let most, methods[operation, default: 0] >= most { return Refusal(limit: most) }
        if options.concurrency == .adaptive {
            let time = runningTime.time(at: now, callsWait: waiting.count > 0)
            return waiting.refuses(priority, timeLeft: timeLeft, at: time, options.adaptive) ? Refusal() : nil
        }
        return limitMet(by: priority, at: now, options).map { Refusal(limit: $0) }
    }

    private mutating func add(
        _ operation: String, _ priority: CallPriority, hasMethod: Bool, at now: UInt64
    ) -> InFlight {
        let isCritical = priority == .critical
        calls.add(isCritical: isCritical)
        if hasMethod { methods[operation, default: 0] += 1 }
        return InFlight(start: now, isCritical: isCritical, hasMethod: hasMethod)
    }

    /// The limit of calls in flight that keeps a call from beginning; `nil` if there is none.
    private mutating func limitMet(by priority: CallPriority, at now: UInt64, _ options: borrowing Options) -> Int? {
        calls.advance(to: now)
        if priority == .critical { calls.noteCriticalDemand() }
        switch options.concurrency {
        case .none, .adaptive:
            return nil
        case .fixed:
            return calls.hasRoom(for: priority, of: options.fixed.max) ? nil : options.fixed.max
        case .bbr:
            usage.sample(at: now)
            let threshold = options.bbr.cpuThreshold
            let isAdmitted = bbr.admits(
                inFlight: calls.count, usage: usage.value, threshold: threshold, priority: priority, at: now)
            return isAdmitted ? nil : Int(bbr.maximum(at: now))
        }
    }

    /// A call no longer waits: its task runs, or it has ended before.
    mutating func leave(_ number: UInt64, hasBegun: Bool, at now: UInt64) {
        waiting.leave(number, hasBegun: hasBegun, at: runningTime.time(at: now, callsWait: waiting.count > 0))
    }

    /// A call has ended. `isSample` says whether its latency says something about the service.
    mutating func end(
        _ call: InFlight, _ operation: String, isSample: Bool, at now: UInt64, _ options: borrowing Options
    ) {
        calls.remove(isCritical: call.isCritical)
        if call.hasMethod { leave(operation) }
        guard isSample, options.concurrency == .bbr else { return }
        // Times are taken before the lock, so that another task's may be a little later.
        let latency = now > call.start ? now - call.start : 0
        if latency <= Self.longestLatency { bbr.ended(latency: latency, at: now) }
    }

    private mutating func leave(_ operation: String) {
        guard let count = methods[operation] else { return }
        methods[operation] = count > 1 ? count - 1 : nil
    }
}
