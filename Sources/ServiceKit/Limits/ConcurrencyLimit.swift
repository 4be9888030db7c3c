public import Logging
internal import Metrics
public import ServiceKitConfig
private import Synchronization

/// Refuses calls when there are too many, so that those that are served stay fast.
///
/// An App has this middleware with the options of `server.limit`. How many are too many, an algorithm says:
///
/// | `concurrency` | refused are |
/// |---|---|
/// | `adaptive`, the default | calls that would wait too long before they begin, for the target or for their deadlines |
/// | `fixed` | calls beyond a number in flight |
/// | `bbr` | go-kratos's: while the processors are busy, calls beyond a number in flight, from throughput and latency |
/// | `none` | none |
///
/// `adaptive` knows nothing of the time that handlers take. Calls that wait for a slow database, a lock or another service do
/// not wait to begin, and are never a reason to refuse others: `fixed` and `methods` bound their number. Handlers that keep the
/// processors busy, or block their threads, do make others wait. Time in which other programs keep the whole process from the
/// processors does not count, unless they do so for long: it is no fault of the callers.
///
/// A call that has a deadline, of its caller or by `server.timeouts`, is refused if it would wait for more than half of the time
/// that is left, whatever its priority: the other half is for its handler. A late answer is of no use, and another server may
/// answer in time. That needs a prediction: a server that has let no call wait lately refuses none.
///
/// Whatever the algorithm, `methods` has limits for single methods. Less important calls are refused first; see
/// ``CallPriority``. A refused call is `429 OVERLOADED`, with `bbr` `429 RATELIMIT`, as go-kratos has it. Health has
/// no middleware; neither it nor reflection is ever refused.
public struct ConcurrencyLimit: HeadMiddleware {
    /// A way to find the limit.
    public enum Algorithm: String, Codable, Sendable, CaseIterable {
        /// No limit.
        case none
        /// A number of calls in flight.
        case fixed
        /// By the time that calls wait before they begin.
        case adaptive
        /// By processor usage, throughput and latency, as go-kratos does.
        case bbr
    }

    /// The section `server.limit`.
    public struct Options: ConfigurationSection, Hashable {
        /// The algorithm; `adaptive` by default.
        public var concurrency = Algorithm.adaptive
        /// The options of `fixed`.
        public var fixed = Fixed()
        /// The options of `adaptive`.
        public var adaptive = Adaptive()
        /// The options of `bbr`.
        public var bbr = BBR()
        /// The most calls in flight by method: `/user.v1.UserService/ListUsers: 20`. They count for all priorities.
        public var methods: [String: Int] = [:]

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges = [OptionRange("methods", \Options.methods, 1...1_000_000)]

        /// The section `server.limit.fixed`.
        public struct Fixed: ConfigurationSection, Hashable {
            /// The most calls in flight; 1000 by default. Streams count.
            public var max = 1000

            /// The defaults.
            public init() {}

            /// The ranges of the section's values.
            public static let ranges = [OptionRange("max", \Fixed.max, 1...1_000_000)]
        }

        /// The section `server.limit.adaptive`.
        public struct Adaptive: ConfigurationSection, Hashable {
            /// How long a call may wait before it begins; 500 ms by default, so that thousands of calls at once are served. A
            /// call that would wait longer is refused: a sheddable one at half of the time, a critical one at twice the time.
            /// Choose less for services that call each other often for one request of a user: DAGOR (SoCC 2018) has 20 ms.
            public var targetDelay = Duration.milliseconds(500)
            /// How many calls may wait in any case; 100 by default: a server with few callers refuses no call, whatever the machine
            /// does. Choose less, such as 10, where a handler computes for many milliseconds.
            public var min = 100

            /// The defaults.
            public init() {}

            /// The ranges of the section's values.
            public static let ranges: [OptionRange<Adaptive>] = [
                OptionRange("target-delay", \.targetDelay, .milliseconds(1)...(.seconds(60))),
                OptionRange("min", \.min, 1...1_000_000),
            ]
        }

        /// The section `server.limit.bbr`.
        public struct BBR: ConfigurationSection, Hashable {
            /// The part of the processors' time above which calls are refused; 0.8 by default.
            public var cpuThreshold = 0.8

            /// The defaults.
            public init() {}

            /// The ranges of the section's values.
            public static let ranges = [OptionRange("cpu-threshold", \BBR.cpuThreshold, 0...1)]
        }

        var isEnabled: Bool { concurrency != .none || !methods.isEmpty }
    }

    // A class, as a mutex cannot be copied.
    private final class Shared: ArrivalObserver {
        let state: Mutex<ConcurrencyLimitState>
        let refusals = Mutex(Refusals())
        let gate = RefusalGate()
        let now: @Sendable () -> UInt64
        let count: RefusalCount
        let meter: Lazily<Meter>

        init(
            _ state: ConcurrencyLimitState, now: @escaping @Sendable () -> UInt64, factory: (any MetricsFactory)?
        ) {
            self.state = Mutex(state)
            self.now = now
            count = RefusalCount(.server, reason: "concurrency", factory: factory)
            meter = Lazily {
                Meter(label: "servicekit.server.concurrency_limit", factory: factory ?? MetricsSystem.factory)
            }
        }

        func left(_ number: UInt64, hasBegun: Bool) {
            let now = now()
            state.withLock { $0.leave(number, hasBegun: hasBegun, at: now) }
        }
    }

    /// How long a caller that wants to try again is to wait.
    private static let pushback = Duration.milliseconds(100)
    private static let overloaded = PreparedError.refusal(
        reason: "OVERLOADED", message: "too many calls in flight", pushback: pushback, concernsServerOnly: true)
    private static let late = PreparedError.refusal(
        reason: "OVERLOADED", message: "the server is overloaded: the call would wait too long", pushback: pushback,
        concernsServerOnly: true)
    /// go-kratos's clients compare this reason.
    private static let kratos = PreparedError.refusal(
        reason: "RATELIMIT", message: "too many calls in flight for the processors", pushback: pushback,
        concernsServerOnly: true)

    private let options: Replaceable<Options>
    /// The time limits of the server, which ``Deadlines`` applies.
    private let timeouts: Replaceable<Deadlines.Options>?
    private let logger: Logger?
    private let instant: @Sendable () -> ContinuousClock.Instant
    private let shared: Shared

    /// Limits calls.
    ///
    /// - Parameters:
    ///   - options: The algorithm, and its options.
    ///   - logger: Gets a warning when calls are refused, at most each ten seconds; `nil` for none.
    public init(_ options: Options, logger: Logger? = nil) {
        self.init(Replaceable(options), logger: logger)
    }

    init(
        _ options: Replaceable<Options>,
        timeouts: Replaceable<Deadlines.Options>? = nil,
        logger: Logger? = nil,
        now: @escaping @Sendable () -> UInt64 = { NodeStatistics.now },
        instant: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        usage: ProcessorUsage = ProcessorUsage(),
        factory: (any MetricsFactory)? = nil
    ) {
        self.options = options
        self.timeouts = timeouts
        self.logger = logger
        self.instant = instant
        shared = Shared(ConcurrencyLimitState(usage: usage), now: now, factory: factory)
    }

    /// Limits the calls of a simulated server.
    package init(_ options: Options, now: @escaping @Sendable () -> UInt64, usage: ProcessorUsage) {
        self.init(Replaceable(options), now: now, usage: usage)
    }

    /// Counts a call, or refuses it.
    ///
    /// - Throws: ``ServiceError`` when there are too many.
    public func beginServing(_ call: inout Call) throws {
        if !options.read({ $0.isEnabled }) { return }
        let now = shared.now()
        let priority = call.priority
        let (operation, deadline) = (call.operation, call.deadline)
        let begun = options.read { options in
            shared.state.withLock { state in
                state.begin(
                    operation, priority, timeLeft: { timeLeft(operation, deadline.map { $0 - instant() }) }, at: now,
                    options)
            }
        }
        switch begun {
        case .refused(let refusal):
            if OperatorService.has(call.operation) { return }
            throw refuse(refusal, at: now)
        case .admitted(.waiting(let number)):
            call.onBegin(shared, number)
        case .admitted(.inFlight(let inFlight)):
            call.onEnd { [self] call, result in end(inFlight, call.operation, result.error) }
        case .admitted(.both(let inFlight, let number)):
            call.onBegin(shared, number)
            call.onEnd { [self] call, result in end(inFlight, call.operation, result.error) }
        }
    }

    package var gate: RefusalGate? { shared.gate }

    /// Refuses a call by its head, as ``beginServing(_:)`` would.
    package func refusal(of head: borrowing CallHead) -> PreparedError? {
        guard shared.gate.isOpen, options.read({ $0.isEnabled }), !OperatorService.has(head.operation) else {
            return nil
        }
        let now = shared.now()
        guard shared.gate.isOpen(at: now) else { return nil }
        let (operation, priority, fields) = (head.operation, head.priority, head.fields)
        let refusal = options.read { options in
            shared.state.withLock { state in
                state.refusal(
                    of: operation, priority, timeLeft: { timeLeft(operation, fields.timeout) }, at: now, options)
            }
        }
        return refusal.map { refuse($0, at: now) }
    }

    /// The time until a call's deadline, in nanoseconds: that of its caller, or of the server's limit if it is earlier.
    private func timeLeft(_ operation: String, _ callers: Duration?) -> Double? {
        let own = timeouts?.read { $0.limit(for: operation) }
        guard let left = own.map({ own in callers.map { min($0, own) } ?? own }) ?? callers else { return nil }
        return left / .nanoseconds(1)
    }

    /// Counts a refusal.
    ///
    /// - Returns: The error that answers the call.
    private func refuse(_ refusal: ConcurrencyLimitState.Refusal, at now: UInt64) -> PreparedError {
        shared.gate.refused(at: now)
        guard let limit = refusal.limit else {
            report("refusing calls: they would wait too long to begin; see server.limit.adaptive", nil, at: now)
            return Self.late
        }
        report("refusing calls: too many are in flight; see server.limit", limit, at: now)
        return options.read { $0.concurrency == .bbr } ? Self.kratos : Self.overloaded
    }

    private func end(_ inFlight: ConcurrencyLimitState.InFlight, _ operation: String, _ error: (any Error)?) {
        let isSample = error.map { ServiceError($0)?.code == .deadlineExceeded } ?? true
        let now = shared.now()
        let limit = options.read { options in
            shared.state.withLock { state in
                state.end(inFlight, operation, isSample: isSample, at: now, options)
                return state.limitToPublish(at: now, options)
            }
        }
        if let limit { shared.meter.value.set(limit) }
    }

    /// The limit in force, `nil` if there is none; the calls in flight, which are counted only if there is one; and the calls
    /// refused so far.
    var snapshot: (limit: Int?, inFlight: Int, refused: Int) {
        let now = shared.now()
        let (limit, inFlight) = options.read { options in
            shared.state.withLock { ($0.limit(at: now, options), $0.inFlight) }
        }
        return (limit, inFlight, shared.count.value)
    }

    private func report(_ message: Logger.Message, _ limit: Int?, at now: UInt64) {
        shared.count.add()
        guard let logger, let count = shared.refusals.withLock({ $0.add(at: now) }) else { return }
        var metadata: Logger.Metadata = ["refused": "\(count)"]
        if let limit { metadata["limit"] = "\(limit)" }
        logger.warning(message, metadata: metadata)
    }
}

extension ConcurrencyLimit.Options {
    /// The meaning of each option.
    public static let help = [
        "concurrency":
            "which calls are refused: `adaptive`, those that would wait too long to begin; `fixed` or `bbr`, those beyond a "
            + "number in flight; `none`",
        "methods": "the most calls in flight by method, `/user.v1.UserService/ListUsers: 20`",
    ]
}

extension ConcurrencyLimit.Options.Fixed {
    /// The meaning of each option.
    public static let help = ["max": "the most calls in flight, streams included"]
}

extension ConcurrencyLimit.Options.Adaptive {
    /// The meaning of each option.
    public static let help = [
        "target-delay":
            "how long a call may wait before its handler begins; half as long if it is sheddable, twice if critical",
        "min": "how many calls may wait in any case",
    ]
}

extension ConcurrencyLimit.Options.BBR {
    /// The meaning of each option.
    public static let help = ["cpu-threshold": "the part of the processors' time above which calls are refused"]
}

extension ConcurrencyLimit.Options: Validatable {
    /// Checks that the keys of `methods` are operations, not services.
    ///
    /// - Throws: `ConfigurationError` that names the key.
    public func validate() throws(ConfigurationError) {
        let operations = methods.keys.sorted()
        try operations.requireOperations(at: "methods")
        for operation in operations where operation.hasSuffix("/") {
            throw ConfigurationError(
                message: "\(operation) is a service; a limit is for one method: write \(operation)METHOD",
                keyPath: "methods"
            )
        }
    }
}
