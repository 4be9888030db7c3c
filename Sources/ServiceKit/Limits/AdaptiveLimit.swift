/// A limit of the calls in flight that follows the queueing delay.
///
/// The delay is a signal that is fast and needs no knowledge of the machine (Breakwater, OSDI 2020); it is estimated as
/// Netflix's concurrency limits do it: a call's latency, less the latency of its operation without a queue. The limit moves as
/// Breakwater's pool of credits does: it grows by steps, and shrinks by a factor that follows the delay.
///
/// | a window of 100 ms and 10 calls, or more | limit |
/// |---|---|
/// | the delay is above its bound | shrinks: × `1 - 0.1 · (delay / bound - 1)`, at least × 0.5, from the calls in flight if they are fewer |
/// | the delay is within it, and the limit was in the way | grows by its square root |
/// | else | stays |
///
/// The bound is `target-delay`, or the operation's own latency if that is longer: calls vary by about as much.
/// The latency without a queue is the least mean of a window so far. It is learnt anew, upward as well, where the limit cannot
/// be the cause of a queue: in windows with at most `min` calls in flight. So a service that has become slower is limited to
/// `min` for a moment, and then grows again.
///
/// All times are in nanoseconds from any origin.
struct AdaptiveLimit: Sendable {
    /// The section `server.limit.adaptive`.
    typealias Options = ConcurrencyLimit.Options.Adaptive

    /// The latencies of an operation.
    fileprivate struct Operation {
        /// The latency without a queue; 0 is not known.
        var baseline = 0.0
        var sum = 0.0
        var count = 0.0
    }

    private static let window: UInt64 = 100_000_000
    private static let minimumSamples = 10
    /// How much of a new latency counts where the latency without a queue is learnt anew.
    fileprivate static let learning = 0.1
    /// More operations share one entry: the names come from callers.
    static let maximumOperations = 256

    private(set) var limit: Double
    private var operations: [String: Operation] = [:]
    private var windowStart: UInt64 = 0
    private var samples = 0
    private var peak = 0
    /// Whether a call was refused in this window.
    private var isInTheWay = false

    /// The operations whose latencies are known.
    var operationCount: Int { operations.count }

    init(_ options: Options) {
        limit = Double(options.initial)
    }

    /// A call begins or is refused.
    mutating func began(inFlight: Int, isRefused: Bool) {
        peak = max(peak, inFlight)
        if isRefused { isInTheWay = true }
    }

    /// A call has ended well, or at its deadline. Other failures say nothing about a queue.
    mutating func ended(_ operation: String, latency: UInt64, at now: UInt64, _ options: Options) {
        let name = operations[operation] != nil || operations.count < Self.maximumOperations ? operation : ""
        operations[name, default: Operation()].add(Double(latency))
        samples += 1
        if windowStart == 0 { windowStart = now }
        guard now >= windowStart + Self.window, samples >= Self.minimumSamples else { return }
        endWindow(options)
        windowStart = now
        samples = 0
        peak = 0
        isInTheWay = false
    }

    private mutating func endWindow(_ options: Options) {
        let target = max(1, options.targetDelay / .nanoseconds(1))
        let isWithoutQueue = peak <= options.min
        var excess = 0.0
        for name in Array(operations.keys) {
            operations[name]?.endWindow(target: target, isWithoutQueue: isWithoutQueue) { excess += $0 }
        }
        excess /= Double(samples)
        if excess > 1, !isWithoutQueue {
            let factor = max(0.5, 1 - 0.1 * (excess - 1))
            limit = min(limit, Double(peak)) * factor
        } else if excess <= 1, isInTheWay || Double(peak) >= 0.9 * limit {
            limit += limit.squareRoot()
        }
        clamp(options)
    }

    /// Keeps the limit within its bounds, which may have changed.
    mutating func clamp(_ options: Options) {
        limit = max(min(limit, Double(options.max)), Double(options.min))
    }
}

extension AdaptiveLimit.Operation {
    fileprivate mutating func add(_ latency: Double) {
        sum += latency
        count += 1
    }

    /// Gives the delay of the window's calls, in bounds, times their number.
    fileprivate mutating func endWindow(target: Double, isWithoutQueue: Bool, _ excess: (Double) -> Void) {
        guard count > 0 else { return }
        let mean = sum / count
        if baseline == 0 {
            baseline = mean
        } else {
            excess(count * max(0, mean - baseline) / max(target, baseline))
            if mean < baseline {
                baseline = mean
            } else if isWithoutQueue {
                baseline += (mean - baseline) * AdaptiveLimit.learning
            }
        }
        sum = 0
        count = 0
    }
}
