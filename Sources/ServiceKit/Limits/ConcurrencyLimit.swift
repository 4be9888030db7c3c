public import Logging
internal import Metrics
public import ServiceKitConfig
private import Synchronization

/// Refuses calls when too many are in flight, so that those that are served stay fast.
///
/// An App has this middleware with the options of `server.limit`. How many are too many, an algorithm says:
///
/// | `concurrency` | the limit |
/// |---|---|
/// | `none`, the default | there is none |
/// | `fixed` | a number |
/// | `adaptive` | follows the queueing delay: grows while latencies are as they are without a queue, else shrinks |
/// | `bbr` | go-kratos's: acts while the processors are busy, from throughput and latency |
///
/// Whatever the algorithm, `methods` has limits for single methods. Less important calls are refused first; see
/// ``CallPriority``. A refused call is `429 OVERLOADED`, with `bbr` `429 RATELIMIT`, as go-kratos has it. Health has
/// no middleware; neither it nor reflection is ever refused.
public struct ConcurrencyLimit: SynchronousMiddleware {
    /// A way to find the limit.
    public enum Algorithm: String, Codable, Sendable, CaseIterable {
        /// No limit.
        case none
        /// A number.
        case fixed
        /// By the queueing delay.
        case adaptive
        /// By processor usage, throughput and latency, as go-kratos does.
        case bbr
    }

    /// The section `server.limit`.
    public struct Options: ConfigurationSection, Hashable {
        /// The algorithm; `none` by default.
        public var concurrency = Algorithm.none
        /// The options of `fixed`.
        public var fixed = Fixed()
        /// The options of `adaptive`.
        public var adaptive = Adaptive()
        /// The options of `bbr`.
        public var bbr = BBR()
        /// The most calls in flight by method: `/user.v1.UserService/ListUsers: 20`. They count for all priorities.
        public var methods: [String: Int] = [:]

        /// No limits.
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
            /// The queueing delay up to which the limit grows; 20 ms by default, as DAGOR (SoCC 2018) has it. For calls that
            /// take longer without a queue, it is as long as they take.
            public var targetDelay = Duration.milliseconds(20)
            /// The least limit; 10 by default. So many calls in flight must not be a queue.
            public var min = 10
            /// The greatest limit; 10,000 by default.
            public var max = 10_000
            /// The limit at the start; 100 by default.
            public var initial = 100

            /// The defaults.
            public init() {}

            /// The ranges of the section's values.
            public static let ranges: [OptionRange<Adaptive>] = [
                OptionRange("target-delay", \.targetDelay, .milliseconds(1)...(.seconds(60))),
                OptionRange("min", \.min, 1...1_000_000),
                OptionRange("max", \.max, 1...1_000_000),
                OptionRange("initial", \.initial, 1...1_000_000),
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
    private final class Shared: Sendable {
        let state: Mutex<ConcurrencyLimitState>
        let refusals = Mutex(Refusals())
        let count: RefusalCount
        let meter: Lazily<Meter>

        init(_ state: ConcurrencyLimitState, factory: (any MetricsFactory)?) {
            self.state = Mutex(state)
            count = RefusalCount(.server, reason: "concurrency", factory: factory)
            meter = Lazily {
                Meter(label: "servicekit.server.concurrency_limit", factory: factory ?? MetricsSystem.factory)
            }
        }
    }

    /// How long a caller that wants to try again is to wait.
    private static let pushback = Duration.milliseconds(100)
    private static let overloaded = PreparedError.refusal(
        reason: "OVERLOADED", message: "too many calls in flight", pushback: pushback)
    /// go-kratos's clients compare this reason.
    private static let kratos = PreparedError.refusal(
        reason: "RATELIMIT", message: "too many calls in flight for the processors", pushback: pushback)

    private let options: Replaceable<Options>
    private let logger: Logger?
    private let shared: Shared
    private let now: @Sendable () -> UInt64

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
        logger: Logger? = nil,
        now: @escaping @Sendable () -> UInt64 = { NodeStatistics.now },
        usage: ProcessorUsage = ProcessorUsage(),
        factory: (any MetricsFactory)? = nil
    ) {
        self.options = options
        self.logger = logger
        self.now = now
        shared = Shared(ConcurrencyLimitState(options.read { $0.adaptive }, usage: usage), factory: factory)
    }

    /// Limits the calls of a simulated server.
    package init(_ options: Options, now: @escaping @Sendable () -> UInt64, usage: ProcessorUsage) {
        self.init(Replaceable(options), now: now, usage: usage)
    }

    /// Counts a call, or refuses it.
    ///
    /// - Throws: ``ServiceError`` when there are too many in flight.
    public func beginServing(_ call: inout Call) throws {
        if !options.read({ $0.isEnabled }) { return }
        let now = now()
        let priority = call.priority
        let begun = options.read { options in
            shared.state.withLock { $0.begin(call.operation, priority, at: now, options) }
        }
        switch begun {
        case .refused(let limit):
            if OperatorService.has(call.operation) { return }
            report(limit, at: now)
            throw options.read { $0.concurrency == .bbr } ? Self.kratos : Self.overloaded
        case .admitted(let ticket):
            call.onEnd { [self] call, result in end(ticket, call.operation, result.error) }
        }
    }

    private func end(_ ticket: ConcurrencyLimitState.Ticket, _ operation: String, _ error: (any Error)?) {
        let isSample = error.map { ServiceError($0)?.code == .deadlineExceeded } ?? true
        let now = now()
        let limit = options.read { options in
            shared.state.withLock { state in
                state.end(ticket, operation, isSample: isSample, at: now, options)
                return state.limitToPublish(at: now, options)
            }
        }
        if let limit { shared.meter.value.set(limit) }
    }

    /// The limit in force, `nil` if there is none; the calls in flight, which are counted only if there is one; and the calls
    /// refused so far.
    var snapshot: (limit: Int?, inFlight: Int, refused: Int) {
        let now = now()
        let (limit, inFlight) = options.read { options in
            shared.state.withLock { ($0.limit(at: now, options), $0.inFlight) }
        }
        return (limit, inFlight, shared.count.value)
    }

    private func report(_ limit: Int, at now: UInt64) {
        shared.count.add()
        guard let logger, let count = shared.refusals.withLock({ $0.add(at: now) }) else { return }
        logger.warning(
            "refusing calls: too many are in flight; see server.limit",
            metadata: ["refused": "\(count)", "limit": "\(limit)"]
        )
    }
}

extension ConcurrencyLimit.Options.Adaptive: Validatable {
    /// Checks that the limits are in order.
    ///
    /// - Throws: `ConfigurationError` that names the key.
    public func validate() throws(ConfigurationError) {
        if min <= max { return }
        throw ConfigurationError(
            message: "the least limit, \(min), is above the greatest, \(max); lower min or raise max", keyPath: "min")
    }
}

extension ConcurrencyLimit.Options {
    /// The meaning of each option.
    public static let help = [
        "concurrency": "how the most calls in flight are found: `none`, `fixed`, `adaptive` or `bbr`",
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
        "target-delay": "the queueing delay up to which the limit grows; for slower calls, their own latency",
        "min": "the least limit: so many calls in flight must not be a queue",
        "max": "the greatest limit",
        "initial": "the limit at the start",
    ]
}

extension ConcurrencyLimit.Options.BBR {
    /// The meaning of each option.
    public static let help = ["cpu-threshold": "the part of the processors' time above which calls are refused"]
}

extension ConcurrencyLimit.Options: Validatable {
    /// Checks that the keys of `methods` are operations.
    ///
    /// - Throws: `ConfigurationError` that names the key.
    public func validate() throws(ConfigurationError) {
        try methods.keys.sorted().requireOperations(at: "methods")
    }
}
