internal import GRPCCore
package import ServiceKit
package import ServiceKitConcurrency
public import ServiceKitConfig

/// The section `client.retry`.
///
/// A call that no instance has begun to process is always made again elsewhere, for every method. A call that an
/// instance may have processed is made again only if it failed with one of ``codes`` and its method is listed as idempotent.
public struct RetryOptions: ConfigurationSection, Hashable {
    /// A code of gRPC that a call can fail with.
    public enum Code: String, Codable, Sendable, CaseIterable {
        /// The caller gave up.
        case cancelled = "CANCELLED"
        /// An error without a code.
        case unknown = "UNKNOWN"
        /// The caller's mistake.
        case invalidArgument = "INVALID_ARGUMENT"
        /// The deadline passed.
        case deadlineExceeded = "DEADLINE_EXCEEDED"
        /// There is no such thing.
        case notFound = "NOT_FOUND"
        /// There is such a thing already.
        case alreadyExists = "ALREADY_EXISTS"
        /// The caller may not.
        case permissionDenied = "PERMISSION_DENIED"
        /// Too many calls, or no room.
        case resourceExhausted = "RESOURCE_EXHAUSTED"
        /// The state does not allow it.
        case failedPrecondition = "FAILED_PRECONDITION"
        /// It conflicts with another call.
        case aborted = "ABORTED"
        /// Beyond the valid range.
        case outOfRange = "OUT_OF_RANGE"
        /// The server does not have the method.
        case unimplemented = "UNIMPLEMENTED"
        /// The server's mistake.
        case internalError = "INTERNAL"
        /// The server cannot be reached or does not serve now.
        case unavailable = "UNAVAILABLE"
        /// Data is lost.
        case dataLoss = "DATA_LOSS"
        /// The caller is unknown.
        case unauthenticated = "UNAUTHENTICATED"
    }

    /// How often a call is made at most, the first time included; 3 by default. 1 turns retries off.
    public var attempts = 3
    /// The codes with which a call fails that is made again; `UNAVAILABLE` by default.
    public var codes: [Code] = [.unavailable]
    /// The pauses before the second retry and later ones. The first is made at once, as it goes to another instance.
    public var backoff = Backoff()
    /// Methods that can be called twice without harm: `/user.v1.UserService/GetUser`, or all of a service by
    /// `/user.v1.UserService/`.
    public var idempotent: [String] = []
    /// Differences for single methods, `/user.v1.UserService/GetUser: { attempts: 5 }`, or for the methods of a service,
    /// `/user.v1.UserService/`. A method's own entry counts before that of its service.
    public var methods: [String: Method] = [:]
    /// How much of a request is kept to be sent again; 256 KiB by default. Each message counts 64 bytes more than it has.
    /// A longer request is not retried.
    public var buffer = ByteCount.kibibytes(256)
    /// How many retries are made in a row at most; 1000 by default. In any case retries are held to a tenth of the calls that
    /// succeed: in a row there are no more than a tenth of those of the last three seconds, and two. A channel that is new has
    /// ten more. Calls that an overloaded server has refused are made again on others by the same rules, apart from the rest, and
    /// held to a fifth. All channels of the process that find the service through the same registry share them.
    public var burst = 1000

    /// The defaults.
    public init() {}

    /// The ranges of the section's values.
    public static let ranges: [OptionRange<RetryOptions>] = [
        OptionRange("attempts", \.attempts, 1...100),
        OptionRange("buffer", \.buffer, 0...(.gibibytes(1))),
        OptionRange("burst", \.burst, 0...1_000_000),
    ]

    /// The section `client.retry.backoff`: the pauses between retries. A pause is drawn between zero and its longest ("full
    /// jitter").
    public struct Backoff: ConfigurationSection, Hashable {
        /// The longest pause before the second retry; 20 ms by default.
        public var initial = Duration.milliseconds(20)
        /// How many times as long the longest pause is before each further retry; 2 by default.
        public var multiplier = 2.0
        /// The most that the longest pause grows to; 1 s by default.
        public var max = Duration.seconds(1)

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Backoff>] = [
            OptionRange("initial", \.initial, .milliseconds(1)...(.seconds(60))),
            OptionRange("multiplier", \.multiplier, 1...10),
            OptionRange("max", \.max, .milliseconds(1)...(.seconds(60))),
        ]
    }

    /// A section under `client.retry.methods`.
    public struct Method: ConfigurationSection, Hashable {
        /// How often a call of the method is made at most; as for the others by default.
        public var attempts: Int?
        /// The codes with which a call of the method fails that is made again; as for the others by default.
        public var codes: [Code]?
        /// The pauses between retries of the method; as for the others by default.
        public var backoff: Backoff?
        /// Whether a call of the method is made on further instances while the first takes long; by default it is not.
        public var hedging: Hedging?

        /// Nothing differs.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Method>] = [OptionRange("attempts", \.attempts, 1...100)]
    }

    /// The section `hedging` of a method (gRFC A6): a call that has no answer within ``delay`` is made on another instance too,
    /// and so on. The first answer counts, and the other attempts are cancelled.
    public struct Hedging: ConfigurationSection, Hashable {
        /// How many attempts are made at most, the first included; 2 by default.
        public var maxAttempts = 2
        /// How long an attempt has no answer before the next begins; 100 ms by default. Choose about the 95th percentile of the
        /// method's latency: then one call of twenty is hedged.
        public var delay = Duration.milliseconds(100)
        /// The codes with which an attempt may fail while the others go on; `UNAVAILABLE` by default. The next attempt then
        /// begins at once. Any other code ends the call.
        public var nonFatalCodes: [Code] = [.unavailable]

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Hedging>] = [
            OptionRange("max-attempts", \.maxAttempts, 2...10),
            OptionRange("delay", \.delay, .milliseconds(1)...(.seconds(60))),
        ]
    }

    /// Whether any method has hedging.
    var hasHedging: Bool { methods.values.contains { $0.hedging != nil } }

    /// The operations of calls over HTTP that change nothing (RFC 9110, section 9.2.1).
    private static let safe: Set<String> = ["/http/GET", "/http/HEAD"]

    func isIdempotent(_ path: String) -> Bool {
        Self.safe.contains(path) || idempotent.contains { $0 == path || $0.hasSuffix("/") && path.hasPrefix($0) }
    }

    /// The rules for a method.
    package func policy(for path: String) -> RetryPolicy {
        var method: Method?
        if !methods.isEmpty {
            method = methods[path] ?? path.lastIndex(of: "/").flatMap { methods[String(path[...$0])] }
        }
        let isIdempotent = isIdempotent(path)
        var policy = RetryPolicy(
            attempts: method?.attempts ?? attempts,
            codes: method?.codes ?? codes,
            backoff: method?.backoff ?? backoff,
            isIdempotent: isIdempotent
        )
        if isIdempotent, let hedging = method?.hedging {
            // As gRFC A6 has it, a method has either a policy of retries or one of hedging.
            policy.hedgingDelay = hedging.delay
            policy.attempts = hedging.maxAttempts
            policy.codes = hedging.nonFatalCodes
        }
        return policy
    }
}

extension RetryOptions: Validatable {
    /// Checks that methods are operations, and that only idempotent ones have hedging.
    ///
    /// - Throws: `ConfigurationError` that names the method.
    public func validate() throws(ConfigurationError) {
        try idempotent.requireOperations(at: "idempotent")
        try methods.keys.sorted().requireOperations(at: "methods")
        for (path, method) in methods.sorted(by: { $0.key < $1.key }) where method.hedging != nil {
            if isIdempotent(path) { continue }
            throw ConfigurationError(
                message:
                    "\(path) has hedging, so that it is called twice: list it under idempotent, or leave hedging out",
                keyPath: "methods"
            )
        }
    }
}

/// The rules by which the calls of one method are made again.
package struct RetryPolicy: Sendable {
    package var attempts = 3
    package var codes: [RetryOptions.Code] = [.unavailable]
    package var backoff = RetryOptions.Backoff()
    package var isIdempotent = true
    /// How long an attempt has no answer before another is made beside it; `nil` for no hedging.
    package var hedgingDelay: Duration?

    /// Whether a call that may have been processed, and failed after so many attempts, may be made again.
    func mayRepeat(_ failure: RPCError, attempts: Int) -> Bool {
        attempts < self.attempts && isRepeatable(failure)
    }

    /// Whether the method, and the code of the failure, allow it to be called again.
    func isRepeatable(_ failure: RPCError) -> Bool {
        isRepeatable(failure.callStatus)
    }

    /// Whether the method, and the status of the failed call, allow it to be called again.
    package func isRepeatable(_ status: CallStatus) -> Bool {
        isIdempotent && codes.contains { $0.rawValue == status.name }
    }
}

extension Backoff {
    /// The pauses that options name.
    package init(_ options: RetryOptions.Backoff) {
        self.init(base: options.initial, maximum: options.max, multiplier: options.multiplier)
    }
}

extension RetryOptions {
    /// The meaning of each option.
    public static let help = [
        "attempts": "how often a call is made at most; 1 turns retries off",
        "codes": "the codes of gRPC with which a call fails that is made again",
        "idempotent": "methods, or services, whose calls may be made twice",
        "methods":
            "`attempts`, `codes`, `backoff` and `hedging` by method, `/user.v1.UserService/GetUser: { attempts: 5 }`, or by service",
        "buffer": "how much of a request is kept to be sent again",
        "burst": "how many retries there are in a row at most; in any case they are held to a tenth of the calls",
    ]
}

extension RetryOptions.Backoff {
    /// The meaning of each option.
    public static let help = [
        "initial": "the longest pause before the second retry; the first is made at once",
        "multiplier": "how many times as long the longest pause is before each further retry",
        "max": "the most that the longest pause grows to",
    ]
}

extension RetryOptions.Method {
    /// The meaning of each option.
    public static let help = [
        "attempts": "how often a call of the method is made at most",
        "codes": "the codes with which a call of the method fails that is made again",
    ]
}

extension RetryOptions.Hedging {
    /// The meaning of each option.
    public static let help = [
        "max-attempts": "how many attempts are made at most, the first included",
        "delay": "how long an attempt has no answer before the next begins",
        "non-fatal-codes": "the codes with which an attempt may fail while the others go on",
    ]
}
