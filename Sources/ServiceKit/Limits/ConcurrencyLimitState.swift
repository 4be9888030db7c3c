/// The calls in flight, and the limits of their number.
///
/// All times are in nanoseconds from any origin, not 0.
struct ConcurrencyLimitState: Sendable {
    typealias Options = ConcurrencyLimit.Options

    /// A call that was admitted.
    struct Ticket: Sendable {
        let start: UInt64
        fileprivate let epoch: UInt64
        fileprivate let isCritical: Bool
        /// Whether the call counts for its method.
        fileprivate let hasMethod: Bool
    }

    enum Begun: Sendable {
        case admitted(Ticket)
        /// The limit that the call met.
        case refused(limit: Int)
    }

    private var calls = CallsInFlight()
    private var methods: [String: Int] = [:]
    private(set) var adaptive: AdaptiveLimit
    private var bbr = BBRLimit()
    private var usage: ProcessorUsage
    private var publishedAt: UInt64 = 0
    private static let publishInterval: UInt64 = 1_000_000_000

    init(_ options: Options.Adaptive, usage: ProcessorUsage) {
        adaptive = AdaptiveLimit(options)
        self.usage = usage
    }

    /// The calls in flight.
    var inFlight: Int { calls.all.calls }

    /// The limit of calls of the default priority and above; `nil` if there is none now.
    mutating func limit(at now: UInt64, _ options: borrowing Options) -> Int? {
        switch options.concurrency {
        case .none: nil
        case .fixed: options.fixed.max
        case .adaptive: min(max(Int(adaptive.limit), options.adaptive.min), options.adaptive.max)
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

    mutating func begin(
        _ operation: String, _ priority: CallPriority, at now: UInt64, _ options: borrowing Options
    ) -> Begun {
        calls.advance(to: now)
        let isCritical = priority == .critical
        if isCritical { calls.noteCriticalDemand() }
        let most = options.methods.isEmpty ? nil : options.methods[operation]
        if let most, methods[operation, default: 0] >= most { return .refused(limit: most) }
        if let limit = limitMet(by: priority, at: now, options) { return .refused(limit: limit) }
        if most != nil { methods[operation, default: 0] += 1 }
        return .admitted(
            Ticket(
                start: now, epoch: calls.add(isCritical: isCritical), isCritical: isCritical, hasMethod: most != nil))
    }

    /// The limit that keeps a call from beginning; `nil` if there is none.
    private mutating func limitMet(by priority: CallPriority, at now: UInt64, _ options: borrowing Options) -> Int? {
        switch options.concurrency {
        case .none:
            return nil
        case .fixed:
            return calls.hasRoom(for: priority, of: options.fixed.max, among: calls.all) ? nil : options.fixed.max
        case .adaptive:
            adaptive.clamp(options.adaptive)
            let limit = Int(adaptive.limit)
            let isRefused = !calls.hasRoom(for: priority, of: limit, among: calls.recent)
            adaptive.began(inFlight: calls.recent.calls + 1, isRefused: isRefused)
            return isRefused ? limit : nil
        case .bbr:
            usage.sample(at: now)
            let threshold = options.bbr.cpuThreshold
            let isAdmitted = bbr.admits(
                inFlight: calls.all.calls, usage: usage.value, threshold: threshold, priority: priority, at: now)
            return isAdmitted ? nil : Int(bbr.maximum(at: now))
        }
    }

    /// A call has ended. `isSample` says whether its latency says something about a queue.
    mutating func end(
        _ ticket: Ticket, _ operation: String, isSample: Bool, at now: UInt64, _ options: borrowing Options
    ) {
        calls.advance(to: now)
        calls.remove(of: ticket.epoch, isCritical: ticket.isCritical)
        if ticket.hasMethod { leave(operation) }
        // Times are taken before the lock, so that another task's may be a little later. A stream's time is no latency.
        let latency = now > ticket.start ? now - ticket.start : 0
        guard isSample, latency <= CallsInFlight.epochTime else { return }
        switch options.concurrency {
        case .none, .fixed: break
        case .adaptive: adaptive.ended(operation, latency: latency, at: now, options.adaptive)
        case .bbr: bbr.ended(latency: latency, at: now)
        }
    }

    private mutating func leave(_ operation: String) {
        guard let count = methods[operation] else { return }
        methods[operation] = count > 1 ? count - 1 : nil
    }
}
