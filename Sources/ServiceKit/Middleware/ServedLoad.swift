private import Glibc
private import Synchronization

/// The load of a process: the calls that it serves now, and how the last ones went. It is counted while load reports are on.
public final class ServedLoad: Sendable {
    private struct State {
        var calls = ServedLoadState()
        var usage: ProcessorUsage
    }

    private let state: Mutex<State>
    private let reported = Mutex<Double?>(nil)

    /// Creates the load of a process that serves no call.
    public convenience init() {
        self.init(usage: ProcessorUsage())
    }

    /// Creates the load of a simulated server.
    package init(usage: ProcessorUsage) {
        state = Mutex(State(usage: usage))
    }

    /// How much of its capacity the application uses, as it says itself: 1 is all of it; `nil` by default. Reports have it.
    public var utilization: Double? {
        get { reported.withLock(\.self) }
        set { reported.withLock { $0 = newValue } }
    }

    /// A call begins.
    package func begin(at now: UInt64) -> ServedLoadState.Begun {
        state.withLock { $0.calls.begin(at: now) }
    }

    /// A call has ended.
    ///
    /// - Parameters:
    ///   - call: The call.
    ///   - now: The time.
    ///   - failed: Whether it failed, and the server is to blame.
    ///   - refused: Whether it was refused before a handler saw it: it is no part of the rates and the latency.
    /// - Returns: The load without it.
    package func end(
        _ call: ServedLoadState.Begun, at now: UInt64, failed: Bool, refused: Bool = false
    ) -> LoadReport {
        var report = state.withLock { state in
            if refused {
                state.calls.leave()
            } else {
                state.calls.end(call, at: now, failed: failed)
            }
            state.usage.sample(at: now)
            var report = state.calls.report(at: now)
            // 0 until the second sample.
            report.processorUtilization = state.usage.value > 0 ? state.usage.value : nil
            return report
        }
        report.utilization = utilization
        return report
    }
}

/// Counts calls, and how long they take at which number of calls in flight.
///
/// A latency counts for the number of calls that were in flight when its call began, as in Prequal (Wydrowski et al., NSDI
/// 2024); numbers with the same highest bit count as one. The mean is that of the latencies' logarithms, which few long
/// streams hardly move. The past is forgotten within a second, with the rates within ten. A call that has lasted for more
/// than ten seconds counts for no latency: it began under another load.
package struct ServedLoadState: Sendable {
    /// A call that is served.
    package struct Begun: Sendable {
        let start: UInt64
        let inFlight: Int
    }

    private struct Latency {
        var logarithm = 0.0
        /// When the last call ended; 0 for none.
        var last: UInt64 = 0
    }

    /// A rate of events that the past counts for less and less.
    private struct Rate {
        private static let decay = 10.0
        private var value = 0.0
        private var last: UInt64 = 0

        mutating func add(at now: UInt64) {
            value = self.value(at: now) + 1 / Self.decay
            last = now
        }

        func value(at now: UInt64) -> Double {
            last == 0 ? 0 : value * exp(-ServedLoadState.seconds(from: last, to: now) / Self.decay)
        }
    }

    /// A latency that is older says nothing.
    private static let lifetime = 10.0

    private(set) var inFlight = 0
    private var latencies = Array(repeating: Latency(), count: 24)
    private var calls = Rate()
    private var failures = Rate()

    mutating func begin(at now: UInt64) -> Begun {
        inFlight += 1
        return Begun(start: now, inFlight: inFlight)
    }

    /// A call was refused.
    mutating func leave() { inFlight -= 1 }

    mutating func end(_ call: Begun, at now: UInt64, failed: Bool) {
        inFlight -= 1
        calls.add(at: now)
        if failed { failures.add(at: now) }
        let seconds = Self.seconds(from: call.start, to: now)
        if seconds > Self.lifetime { return }
        let sample = log(max(1, seconds * 1e9))
        let index = index(of: call.inFlight)
        let past = latencies[index].last == 0 ? 0 : exp(-Self.seconds(from: latencies[index].last, to: now))
        latencies[index].logarithm = latencies[index].logarithm * past + sample * (1 - past)
        latencies[index].last = now
    }

    /// The load now.
    func report(at now: UInt64) -> LoadReport {
        var report = LoadReport()
        report.requestsInFlight = Double(inFlight)
        report.rate = calls.value(at: now)
        report.failureRate = failures.value(at: now)
        report.latency = latency(at: now)
        return report
    }

    /// The latency at the number of calls in flight now, or at the nearest number that has one.
    private func latency(at now: UInt64) -> Double? {
        let index = index(of: inFlight)
        let known = latencies.indices.lazy.filter {
            latencies[$0].last != 0 && Self.seconds(from: latencies[$0].last, to: now) <= Self.lifetime
        }
        return known.min { abs($0 - index) < abs($1 - index) }.map { exp(latencies[$0].logarithm) }
    }

    private func index(of inFlight: Int) -> Int {
        min(max(0, Int.bitWidth - max(1, inFlight).leadingZeroBitCount - 1), latencies.count - 1)
    }

    /// Times are taken before the lock, so that another task's may be a little later.
    private static func seconds(from start: UInt64, to end: UInt64) -> Double {
        end > start ? Double(end - start) / 1e9 : 0
    }
}
