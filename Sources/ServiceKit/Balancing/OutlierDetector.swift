/// Finds nodes that are worse than the others, and says when they are ejected and put back.
///
/// | node | event | node | action |
/// |---|---|---|---|
/// | in service | failures in a row | ejected | eject |
/// | in service | end of an interval: its success rate or its latency stands out | ejected | eject |
/// | ejected | its time is over | in service | none: the channel puts it back |
/// | ejected | too few nodes are left, or the detector is turned off | in service | restore |
///
/// The rules are those of Envoy and of gRPC (gRFC A50). A node is ejected for the base time, times the number of its
/// ejections; each interval in service takes one off that number.
struct OutlierDetector: Sendable {
    typealias Options = OutlierEjection.Options

    /// A node's number.
    typealias Handle = Int

    enum Action: Hashable {
        case eject(Handle, Duration)
        case restore(Handle)
    }

    private struct Record {
        /// Failures since the last success.
        var failuresInARow = 0
        /// Calls of the present interval.
        var calls = 0
        var successes = 0
        /// The sum of their latencies, in nanoseconds.
        var latency = 0.0
        var ejectedUntil: UInt64 = 0
        /// How many times the base time the last ejection took, less the intervals in service since.
        var ejections = 0

        mutating func beginInterval() { (calls, successes, latency) = (0, 0, 0) }
    }

    private var records: [Handle: Record] = [:]
    private var nextHandle = 0
    private var intervalStart: UInt64 = 0
    private var intervalEnd: UInt64 = 0
    /// Ejections that have not been put back early; some may have ended.
    private var ejected: Set<Handle> = []

    // MARK: - Nodes

    mutating func add() -> Handle {
        nextHandle += 1
        records[nextHandle] = Record()
        return nextHandle
    }

    mutating func remove(_ handle: Handle) {
        records[handle] = nil
        ejected.remove(handle)
    }

    // MARK: - Events

    /// A call has ended.
    ///
    /// - Parameters:
    ///   - handle: Its node.
    ///   - outcome: How it went.
    ///   - latency: How long it took, in nanoseconds.
    ///   - now: The time, in nanoseconds.
    ///   - options: The rules.
    /// - Returns: The actions, each for another node.
    mutating func ended(
        _ handle: Handle, _ outcome: CallOutcome, latency: UInt64, at now: UInt64, _ options: Options
    ) -> [Action] {
        var actions = endInterval(at: now, options)
        guard var record = records[handle], record.ejectedUntil <= now else { return actions }
        switch outcome {
        case .refused, .ignored: return actions
        case .success: (record.failuresInARow, record.successes) = (0, record.successes + 1)
        case .failure: record.failuresInARow += 1
        }
        record.calls += 1
        record.latency += Double(latency)
        records[handle] = record
        if let limit = options.consecutiveFailures, record.failuresInARow >= limit {
            actions += eject(handle, at: now, options)
        }
        return actions
    }

    /// The detector is turned off.
    mutating func stop() -> [Action] {
        defer { for handle in Array(records.keys) { records[handle] = Record() } }
        return restoreAll()
    }

    // MARK: - Intervals

    private mutating func endInterval(at now: UInt64, _ options: Options) -> [Action] {
        if now < intervalEnd { return [] }
        let isFirst = intervalEnd == 0
        let start = intervalStart
        intervalStart = now
        intervalEnd = now + Self.nanoseconds(options.interval)
        if isFirst { return [] }
        ejected = ejected.filter { records[$0]?.ejectedUntil ?? 0 > now }
        var actions: [Action] = []
        if isPanic(ejected.count, options) { actions = restoreAll() }
        for handle in outliers(at: now, options) where !isEjected(handle, at: now) {
            actions += eject(handle, at: now, options)
        }
        for handle in Array(records.keys) {
            records[handle]?.beginInterval()
            guard let record = records[handle], record.ejections > 0, record.ejectedUntil <= start else { continue }
            records[handle]?.ejections -= 1
        }
        return actions
    }

    /// The nodes that stand out among those with enough calls, the worst first.
    private func outliers(at now: UInt64, _ options: Options) -> [Handle] {
        // In order: the order of a dictionary differs from run to run, and so would the sums' last digits.
        let candidates = records.filter { $1.calls >= options.minRequests && $1.ejectedUntil <= now }
            .sorted { $0.key < $1.key }
        guard candidates.count >= options.minNodes else { return [] }
        var outliers: [(handle: Handle, badness: Double)] = []
        if let factor = options.successRateFactor {
            let rates = candidates.map { ($0, Double($1.successes) / Double($1.calls)) }
            let mean = rates.reduce(0) { $0 + $1.1 } / Double(rates.count)
            let variance = rates.reduce(0) { $0 + ($1.1 - mean) * ($1.1 - mean) } / Double(rates.count)
            let limit = mean - factor * variance.squareRoot()
            outliers += rates.filter { $1 < limit }.map { ($0, mean / max($1, 0.001)) }
        }
        if let factor = options.latencyFactor {
            let means = candidates.map { ($0, $1.latency / Double($1.calls)) }
            let median = means.map(\.1).sorted()[means.count / 2]
            outliers += means.filter { $1 > factor * max(median, 1) }.map { ($0, $1 / max(median, 1)) }
        }
        return outliers.sorted { ($1.badness, $0.handle) < ($0.badness, $1.handle) }.map(\.handle)
    }

    // MARK: - Ejections

    private func isEjected(_ handle: Handle, at now: UInt64) -> Bool {
        records[handle]?.ejectedUntil ?? 0 > now
    }

    /// Whether too few nodes are in service when so many are ejected.
    private func isPanic(_ count: Int, _ options: Options) -> Bool {
        Double(records.count - count) < options.panicThreshold * Double(records.count)
    }

    private mutating func eject(_ handle: Handle, at now: UInt64, _ options: Options) -> [Action] {
        ejected = ejected.filter { records[$0]?.ejectedUntil ?? 0 > now }
        let most = max(1, Int(options.maxShare * Double(records.count)))
        guard ejected.count < most, ejected.count + 1 < records.count, !isPanic(ejected.count + 1, options),
            var record = records[handle]
        else { return [] }
        record.ejections += 1
        let time = min(options.baseTime * record.ejections, max(options.maxTime, options.baseTime))
        record.ejectedUntil = now + Self.nanoseconds(time)
        record.failuresInARow = 0
        record.beginInterval()
        records[handle] = record
        ejected.insert(handle)
        return [.eject(handle, time)]
    }

    private mutating func restoreAll() -> [Action] {
        defer { ejected = [] }
        for handle in ejected { records[handle]?.ejectedUntil = 0 }
        return ejected.sorted().map { .restore($0) }
    }

    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        UInt64(min(max(0, duration / .nanoseconds(1)), 1e18))
    }
}
