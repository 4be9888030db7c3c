private import Glibc
private import Synchronization

/// How the calls to one node went lately: exponentially weighted means of latency and success, and the calls in flight.
///
/// The weight of the past is `exp(-Δt / decay)`, Δt being the time since the call before ended: the mean of an
/// irregularly sampled series (Eckner, "Algorithms for Unevenly Spaced Time Series", 2012), with the constants that
/// go-kratos uses. A call that fails does not make a node look better: it counts as if it were still in flight, and fades with the
/// past; and it counts as a latency only if it took longer than the mean. So does a call that the node refuses as it is full,
/// but it says nothing about latency and success. The latency of a stream ends with the first part of
/// its answer. All times are in nanoseconds from any origin, not 0; a channel has them from ``now``.
///
/// The channel tells the statistics when each attempt begins and ends, under every balancer.
public final class NodeStatistics: Sendable {
    /// How long a prediction from the calls in flight is used.
    private static let predictionLifetime: UInt64 = 1_000_000
    /// How many draws in a row a node loses, to a node as good as itself, before it has a turn.
    private static let lossesPerTurn: Double = 32
    /// How many draws an idle node loses before it has a turn: a node that is rarely drawn must not have a turn each time.
    private static let idleLosses: Double = 8

    /// As how many failed calls a refused one counts: it says that the next one would be refused too.
    private static let refusalLoad: Double = 2

    /// Less of a failed call is none.
    private static let forgotten: Double = 0.001

    /// How long a load report counts, in nanoseconds.
    private static let reportLifetime: Double = 2_000_000_000

    /// A call in flight.
    public struct InFlight: Sendable {
        fileprivate let slot: Int
        /// When it began.
        public let start: UInt64
    }

    // A pick reads the first properties, which lie within one line of a processor's cache: among thousands of nodes most
    // of a pick's time is the wait for memory.
    private struct State: ~Copyable {
        var latency: Double = 0
        var success: Double = 1
        var inFlight = 0
        /// The failed calls that have not faded, at the time of the last one.
        var failed: Double = 0
        var prediction: Double = 0
        var predictedAt: UInt64 = 0
        /// When the node has reported its load last; 0 if never.
        var reportedAt: UInt64 = 0
        /// Draws lost since the last call began.
        var losses: Double = 0
        var lastBegin: UInt64 = 0
        var lastEnd: UInt64 = 0
        /// Calls that have begun.
        var requests: UInt64 = 0
        /// Start times of the calls in flight; 0 is a free slot. That of a call that is being answered has the bit ``answered``.
        var starts: [UInt64] = []
        var freeSlots: [Int] = []
        /// When a call has failed last.
        var failedAt: UInt64 = 0
        /// How fast the past is forgotten, in nanoseconds.
        var decay: Double
        /// The load that the node has reported last, and the calls of this client that were then in flight.
        var report = LoadReport()
        var inFlightThen = 0

        /// Takes a call out of those in flight.
        ///
        /// - Returns: Whether it waited for its answer; `nil` if the call was not there.
        mutating func end(_ call: InFlight) -> Bool? {
            guard starts.indices.contains(call.slot) else { return nil }
            let start = starts[call.slot]
            guard start & ~Self.answered == call.start else { return nil }
            starts[call.slot] = 0
            inFlight -= 1
            freeSlots.append(call.slot)
            return start & Self.answered == 0
        }

        static let answered: UInt64 = 1 << 63

        mutating func take(latency sample: Double, _ past: Double) {
            latency = latency * past + sample * (1 - past)
        }

        /// The weight of the past, for a call that ends now. The first call counts fully, regardless of the time.
        mutating func past(at now: UInt64) -> Double {
            defer { lastEnd = now }
            return lastEnd == 0 ? 0 : exp(-Double(NodeStatistics.elapsed(from: lastEnd, to: now)) / decay)
        }

        mutating func fail(at now: UInt64, _ load: Double) {
            failed = failed(at: now) + load
            failedAt = now
        }

        /// The failed calls that have not faded.
        func failed(at now: UInt64) -> Double {
            if failed == 0 { return 0 }
            return failed * exp(-Double(NodeStatistics.elapsed(from: failedAt, to: now)) / decay)
        }

        func load(at now: UInt64) -> NodeLoad {
            let own = Double(inFlight) + failed(at: now)
            return NodeLoad(own: own, total: foreignInFlight(at: now).map { own + $0 })
        }

        /// The last report; `nil` if it is too old.
        func report(at now: UInt64) -> LoadReport? {
            let age = Double(NodeStatistics.elapsed(from: reportedAt, to: now))
            return reportedAt != 0 && age < NodeStatistics.reportLifetime ? report : nil
        }

        /// The calls of other clients in flight; `nil` when no report tells it that is young enough. An older report counts
        /// for less.
        func foreignInFlight(at now: UInt64) -> Double? {
            guard reportedAt != 0, let reported = report.requestsInFlight else { return nil }
            let age = Double(NodeStatistics.elapsed(from: reportedAt, to: now)) / NodeStatistics.reportLifetime
            return age < 1 ? max(0, reported - Double(inFlightThen)) * (1 - age) : nil
        }
    }

    private let state: Mutex<State>

    /// Creates the statistics of a node that has not been called: it counts as good.
    ///
    /// - Parameter decay: How fast the past is forgotten: a sample's weight falls to 37 % within this time; 600 ms by
    ///   default.
    public init(decay: Duration = .milliseconds(600)) {
        state = Mutex(State(decay: max(1, decay / .nanoseconds(1))))
    }

    /// Forgets the past as fast as other statistics do from now on.
    package func takeDecay(of other: NodeStatistics) {
        let decay = other.state.withLock { $0.decay }
        state.withLock { $0.decay = decay }
    }

    /// Calls in flight.
    public var inFlight: Int { state.withLock { $0.inFlight } }

    /// Calls that have begun, the ones in flight included.
    public var requests: UInt64 { state.withLock { $0.requests } }

    /// The load that the node has reported last; `nil` if it has reported none within two seconds.
    public func report(at now: UInt64) -> LoadReport? { state.withLock { $0.report(at: now) } }

    /// The load that the node has reported last, and when; `nil` if it never has.
    var lastReport: (report: LoadReport, time: UInt64)? {
        state.withLock { $0.reportedAt == 0 ? nil : ($0.report, $0.reportedAt) }
    }

    /// All that a pick of ``Prequal`` asks for, at one moment.
    struct Summary {
        var load: NodeLoad
        var latency: Double
        var reportedLatency: Double?
        var success: Double
    }

    func summary(at now: UInt64) -> Summary {
        state.withLock { state in
            Summary(
                load: state.load(at: now),
                latency: state.latency,
                reportedLatency: state.report(at: now)?.latency,
                success: state.success
            )
        }
    }

    /// The node's calls in flight: those of this client, and those of all clients if the node has reported them. To both the
    /// calls of this client are added that have failed and not faded: a node that fails at once would else look idle.
    ///
    /// A report fades within two seconds. Compare the calls of all clients only among nodes that have reported them:
    /// another node would look idle.
    public func load(at now: UInt64) -> NodeLoad { state.withLock { $0.load(at: now) } }

    /// The calls of this client that have failed and not faded, and the mean latency in nanoseconds.
    func trouble(at now: UInt64) -> (failed: Double, latency: Double) {
        state.withLock { ($0.failed(at: now), $0.latency) }
    }

    /// The mean latency in nanoseconds; 0 while unknown.
    public var latency: Double { state.withLock { $0.latency } }

    /// The mean success, from 0 to 1; 1 while unknown.
    public var success: Double { state.withLock { $0.success } }

    private static let origin = ContinuousClock.now

    /// The time now: nanoseconds since a moment in the life of this process.
    public static var now: UInt64 {
        // Read first: it begins when it is read for the first time.
        let origin = origin
        // One division: `components` takes several. 0 means "never", so time begins at 1.
        return UInt64((ContinuousClock.now - origin).attoseconds / 1_000_000_000) + 1
    }

    /// A call begins.
    ///
    /// - Parameter now: The time.
    /// - Returns: The call, to be given to `end(_:at:with:)`.
    public func begin(at now: UInt64) -> InFlight {
        state.withLock { state in
            state.requests += 1
            state.lastBegin = now
            state.losses = 0
            state.inFlight += 1
            if let slot = state.freeSlots.popLast() {
                state.starts[slot] = now
                return InFlight(slot: slot, start: now)
            }
            state.starts.append(now)
            return InFlight(slot: state.starts.count - 1, start: now)
        }
    }

    /// A call ended. A call that has ended before is left alone.
    ///
    /// - Parameters:
    ///   - call: The call.
    ///   - now: The time.
    ///   - outcome: How it went.
    ///   - report: The load that the node has reported with it.
    public func end(_ call: InFlight, at now: UInt64, with outcome: CallOutcome, report: LoadReport? = nil) {
        state.withLock { state in
            guard let wasWaiting = state.end(call) else { return }
            if let report {
                (state.report, state.reportedAt, state.inFlightThen) = (report, now, state.inFlight)
            }
            switch outcome {
            case .ignored: return
            case .refused: return state.fail(at: now, Self.refusalLoad)
            case .success, .failure: break
            }
            let past = state.past(at: now)
            var latency = Double(Self.elapsed(from: call.start, to: now))
            var sample = 1.0
            if case .failure = outcome {
                // A failure that comes fast says nothing about the time that an answer takes.
                latency = max(latency, state.latency)
                sample = 0
                state.fail(at: now, 1)
            } else if state.failed != 0, state.failed(at: now) < Self.forgotten {
                // Picks have less to compute.
                state.failed = 0
            }
            if wasWaiting { state.take(latency: latency, past) }
            state.success = state.success * past + sample * (1 - past)
        }
    }

    /// The node has begun to answer a call that goes on: a stream. The call stays in flight, but its latency ends here: a stream
    /// that is open for hours says nothing about the time that an answer takes.
    package func answered(_ call: InFlight, at now: UInt64) {
        state.withLock { state in
            guard state.starts.indices.contains(call.slot), state.starts[call.slot] == call.start else { return }
            state.starts[call.slot] |= State.answered
            let past = state.past(at: now)
            state.take(latency: Double(Self.elapsed(from: call.start, to: now)), past)
        }
    }

    /// Another attempt of a call was answered before this one (hedging): the node takes at least as long as it has had. Else hedging
    /// would hide a slow node.
    package func outrun(_ call: InFlight, at now: UInt64) {
        state.withLock { state in
            let latency = Double(Self.elapsed(from: call.start, to: now))
            guard state.end(call) == true, latency > state.latency else { return }
            let past = state.past(at: now)
            state.take(latency: latency, past)
        }
    }

    /// How good the node is to call: the larger the better.
    ///
    /// `success / load`, where `load = √(max(latency, prediction) + floor) · (1 + calls in flight / share)`. Failed calls count as
    /// in flight until they have faded. The prediction
    /// is the mean age of the calls in flight older than the latency, and counts when they are more than half: a node
    /// that has begun to hang is seen before its calls end. A node not called yet counts as fast, so that it is tried at
    /// once; its calls in flight then hold back more until it has answered.
    ///
    /// - Parameters:
    ///   - now: The time.
    ///   - share: The node's weight in proportion to the others': a node of 2 bears twice the calls.
    ///   - latencyFloor: Added to the latency, in nanoseconds, so that differences far below it hardly count; 5 ms by
    ///     default.
    /// - Returns: The score, 0 or more.
    public func score(at now: UInt64, share: Double = 1, latencyFloor: Double = 5_000_000) -> Double {
        scores(at: now, share: share, latencyFloor: latencyFloor).own
    }

    /// The score by this client's calls in flight, and by those of all clients if the node has reported them.
    func scores(at now: UInt64, share: Double, latencyFloor: Double) -> NodeLoad {
        state.withLock { state in
            if Self.elapsed(from: state.predictedAt, to: now) > Self.predictionLifetime {
                state.predictedAt = now
                state.prediction =
                    state.inFlight == 0 ? 0 : Self.prediction(state.starts, latency: state.latency, now: now)
            }
            let latency = max(state.latency, state.prediction) + latencyFloor
            let own = Double(state.inFlight) + state.failed(at: now)
            func score(_ inFlight: Double) -> Double {
                state.success / (latency.squareRoot() * (1 + inFlight / share))
            }
            return NodeLoad(own: score(own), total: state.foreignInFlight(at: now).map { score(own + $0) })
        }
    }

    private static func prediction(_ starts: [UInt64], latency: Double, now: UInt64) -> Double {
        var total = 0.0
        var slow = 0
        var inFlight = 0
        for start in starts where start != 0 && start & State.answered == 0 {
            inFlight += 1
            let age = Double(elapsed(from: start, to: now))
            if age > latency {
                slow += 1
                total += age
            }
        }
        return slow * 2 > inFlight ? total / Double(slow) : 0
    }

    /// Whether the node, which has lost a draw, is called all the same: a node that was slow once gets the chance to show
    /// that it no longer is. Of several tasks that ask at once, one gets `true`.
    ///
    /// The node has a turn after 32 lost draws if the other was just as good, after 64 if the other was twice as good, and
    /// so on: so a node that hardly works costs hardly any call. An idle node has a turn after 8 lost draws, however bad it
    /// was.
    ///
    /// - Parameters:
    ///   - ratio: How many times as good the other node was.
    ///   - maxIdle: How long after its last call the node counts as idle, in nanoseconds.
    ///   - now: The time.
    /// - Returns: Whether it is called.
    func claimsTurn(against ratio: Double, maxIdle: UInt64, at now: UInt64) -> Bool {
        state.withLock { state in
            state.losses += 1
            let isIdle = Self.elapsed(from: state.lastBegin, to: now) > maxIdle
            guard state.losses >= Self.lossesPerTurn * ratio || isIdle && state.losses >= Self.idleLosses else {
                return false
            }
            state.losses = 0
            state.lastBegin = now
            return true
        }
    }

    /// Times are taken before the lock, so that another task's may be a little later.
    fileprivate static func elapsed(from start: UInt64, to end: UInt64) -> UInt64 {
        end > start ? end - start : 0
    }
}
