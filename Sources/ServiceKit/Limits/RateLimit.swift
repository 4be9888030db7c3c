public import Logging
public import ServiceKitConfig
private import Synchronization

/// Refuses a caller's calls when they come faster than at a rate: a token bucket for each key.
///
/// An App has this middleware with the options of `server.rate-limit`. One of your own, with another key, such as the subject
/// of a token, stands beside it:
///
/// ```swift
/// app.use(RateLimit(options) { $0.metadata["x-tenant"] }, for: .prefix("/user.v1.UserService/"))
/// ```
///
/// Callers with IPv6 addresses of one network, a /64, share a bucket: each of them could else take a new address, and with it a
/// full bucket, for each call. Where many callers have addresses of one network, as in a cluster, let a header or the subject
/// say who calls.
///
/// A refused call is `429 RATE_LIMITED`. The priority of a call does not count: the rate is a share, not a protection.
public struct RateLimit: HeadMiddleware {
    /// The section `server.rate-limit`.
    public struct Options: ConfigurationSection, Hashable {
        /// The part of a call that a caller is known by.
        public enum Caller: String, Codable, Sendable, CaseIterable {
            /// The address of the caller, without its port; of an IPv6 address its network, the first 64 bits.
            case peer
            /// The header that ``Options/header`` names.
            case header
            /// The caller's name, as authentication has found it; see ``Identity``.
            case subject
        }

        /// How many calls there may be per second and key; no limit by default.
        public var perSecond: Double?
        /// How many calls there may be at once after a pause; 100 by default.
        public var burst = 100
        /// The part of a call that a caller is known by: `peer` by default, `header`, or `subject`. Calls without a subject
        /// share one bucket.
        public var by = Caller.peer
        /// The header, for `by: header`. Calls without it share one bucket.
        public var header = ""
        /// How many callers are known at a time; 10,000 by default. A caller that is forgotten begins with a full bucket.
        public var maxCallers = 10_000

        /// No limit.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [
            OptionRange("per-second", \.perSecond, 0.001...1_000_000),
            OptionRange("burst", \.burst, 1...1_000_000),
            OptionRange("max-callers", \.maxCallers, 2...1_000_000),
        ]

        /// The meaning of each option.
        public static let help = [
            "per-second": "how many calls per second each caller may make; without it there is no limit",
            "burst": "how many calls a caller may make at once after a pause",
            "by":
                "the part of a call that a caller is known by: its address, `peer`, of IPv6 the first 64 bits; a `header`; or "
                + "its name, `subject`",
            "header": "the header, for `by: header`; calls without it share one bucket",
            "max-callers": "how many callers are known at a time",
        ]
    }

    // A class, as a mutex cannot be copied.
    private final class Buckets: Sendable {
        let state = Mutex(TokenBuckets())
        let refusals = Mutex(Refusals())
        let gate = RefusalGate()
        let count = RefusalCount(.server, reason: "rate")
        /// The error, and the rate that it was made for.
        let refusal = Mutex<(rate: Double, error: PreparedError)?>(nil)
    }

    private let options: Replaceable<Options>
    private let key: (@Sendable (Call) -> String?)?
    private let logger: Logger?
    /// The section with the options, for the log.
    private let section: String?
    private let buckets = Buckets()
    private let now: @Sendable () -> UInt64

    /// Limits the calls of each key.
    ///
    /// - Parameters:
    ///   - options: The rate, and the key.
    ///   - logger: Gets a warning when calls are refused, at most each ten seconds; `nil` for none.
    ///   - key: A key of another kind; `nil` for a call that has none. Those share one bucket.
    public init(_ options: Options, logger: Logger? = nil, key: (@Sendable (_ call: Call) -> String?)? = nil) {
        self.init(Replaceable(options), logger: logger, key: key)
    }

    init(
        _ options: Replaceable<Options>,
        section: String? = nil,
        logger: Logger? = nil,
        key: (@Sendable (Call) -> String?)? = nil,
        now: @escaping @Sendable () -> UInt64 = { NodeStatistics.now }
    ) {
        self.options = options
        self.section = section
        self.logger = logger
        self.key = key
        self.now = now
    }

    /// Takes a token for a call.
    ///
    /// - Throws: ``ServiceError`` when there is none.
    public func beginServing(_ call: inout Call) throws {
        try take(call, bySubject: false)
    }

    /// Takes a token, if callers are known by their subjects, or are not.
    func take(_ call: borrowing Call, bySubject: Bool) throws {
        guard let (options, rate) = limit(bySubject: bySubject) else { return }
        let now = now()
        if takeToken(hash(of: call, options), at: now, options, rate) { return }
        if OperatorService.has(call.operation) { return }
        throw refuse(rate, at: now)
    }

    private func takeToken(_ hash: Int, at now: UInt64, _ options: Options, _ rate: Double) -> Bool {
        buckets.state.withLock {
            $0.take(hash, at: now, rate: rate, burst: options.burst, maxKeys: options.maxCallers)
        }
    }

    /// The options and the rate, if callers are known by their subjects, or are not.
    private func limit(bySubject: Bool) -> (Options, rate: Double)? {
        if options.read({ $0.perSecond == nil }) { return nil }
        return options.read {
            guard let rate = $0.perSecond, (key == nil && $0.by == .subject) == bySubject else { return nil }
            return (copy $0, rate)
        }
    }

    /// Counts a refusal.
    ///
    /// - Returns: The error that answers the call.
    private func refuse(_ rate: Double, at now: UInt64) -> PreparedError {
        buckets.gate.refused(at: now)
        buckets.count.add()
        if let logger, let count = buckets.refusals.withLock({ $0.add(at: now) }) {
            logger.warning(
                "refusing calls that come too fast\(section.map { "; see \($0)" } ?? "")",
                metadata: ["refused": "\(count)", "per-second": "\(rate)"])
        }
        return refusal(rate)
    }

    /// The calls refused so far.
    var refusedCalls: Int { buckets.count.value }

    // MARK: - By the head

    /// Whether the key is in the head: a function of the program reads whole calls.
    package var seesHeads: Bool { key == nil }

    package var gate: RefusalGate? { buckets.gate }

    /// Refuses a call by its head, as ``beginServing(_:)`` would.
    package func refusal(of head: borrowing CallHead) -> PreparedError? {
        guard buckets.gate.isOpen, let (options, rate) = limit(bySubject: false), !OperatorService.has(head.operation)
        else {
            return nil
        }
        let now = now()
        guard buckets.gate.isOpen(at: now) else { return nil }
        let hash = hash(of: head, options)
        let isEmpty = buckets.state.withLock {
            $0.isEmpty(hash, at: now, rate: rate, burst: options.burst, maxKeys: options.maxCallers)
        }
        return isEmpty ? refuse(rate, at: now) : nil
    }

    /// Takes the token of a call that a limit inside refuses.
    package func refused(_ head: borrowing CallHead, by error: PreparedError, _ trailers: inout CallMetadata) {
        guard let (options, rate) = limit(bySubject: false) else { return }
        _ = takeToken(hash(of: head, options), at: now(), options, rate)
    }

    private func hash(of head: borrowing CallHead, _ options: Options) -> Int {
        options.by == .header ? head.text(of: options.header).hashValue : PeerKey(head.peer).hashValue
    }

    private func hash(of call: borrowing Call, _ options: Options) -> Int {
        if let key { return key(call).hashValue }
        switch options.by {
        case .header: return call.metadata[options.header].hashValue
        case .peer: return PeerKey(call.peer).hashValue
        case .subject: return call.identity?.subject.hashValue ?? 0
        }
    }

    private func refusal(_ rate: Double) -> PreparedError {
        buckets.refusal.withLock { refusal in
            if let refusal, refusal.rate == rate { return refusal.error }
            let error = PreparedError.refusal(
                reason: CallRefusal.rateLimited,
                message: "too many calls; at most \(rate) per second",
                // The time in which one token comes.
                pushback: min(.seconds(60), .seconds(1 / rate))
            )
            refusal = (rate, error)
            return error
        }
    }
}

extension RateLimit.Options: Validatable {
    /// Checks that there is a header if callers are known by one, and only then.
    public func validate() throws(ConfigurationError) {
        if by == .header, header.isEmpty {
            throw ConfigurationError(
                message: "callers are known by a header, and none is named; write header: x-api-key beside it",
                keyPath: "by")
        }
        if header.isEmpty { return }
        try header.requireHeaderName(at: "header")
        if by != .header {
            throw ConfigurationError(
                message: "the header counts only with by: header; write that beside it, or leave the header out",
                keyPath: "header")
        }
    }
}
