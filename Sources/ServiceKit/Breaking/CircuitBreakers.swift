public import Logging
private import Synchronization

/// A ``CircuitBreaker`` for each method.
///
/// An App has this middleware on its servers, with the options of `server.breaker`: while a method fails most of the time,
/// some of its calls are refused before they cost more. A refused call is `503 CIRCUITBREAKER`, as go-kratos has it, with the
/// trailer `servicekit-refused`. A channel has one by the options of `client.breaker`, and a breaker for each instance beside it.
///
/// On a server, a call that a deadline of its caller ends does not count: callers with short deadlines would else break the
/// circuit for all others. One that the server's own limit ends, `server.timeouts`, is a failure.
public struct CircuitBreakers: SynchronousMiddleware {
    /// More methods share one breaker.
    static let maximumMethods = 1000

    /// The breaker of one method, for the calls that are under way.
    package final class Method: Sendable {
        fileprivate let breaker = CircuitBreaker()
        private let options: Replaceable<CircuitBreaker.Options>
        private let generator: SharedGenerator

        fileprivate init(_ options: Replaceable<CircuitBreaker.Options>, _ generator: SharedGenerator) {
            self.options = options
            self.generator = generator
        }

        /// Whether the breaker of an instance lets a call through.
        package func isAdmitted(by instance: borrowing CircuitBreaker, at now: UInt64) -> Bool {
            var generator = generator
            return instance.admits(at: now, options.read { copy $0 }, using: &generator)
        }

        /// A call that was made has ended: the breakers of its method and of its instance learn of it.
        package func ended(_ status: CallStatus, on instance: borrowing CircuitBreaker, at now: UInt64) {
            let options = options.read { copy $0 }
            breaker.ended(status, at: now, options)
            instance.ended(status, at: now, options)
        }

        func refusalProbability(at now: UInt64) -> Double {
            breaker.refusalProbability(at: now, options.read { copy $0 })
        }

        fileprivate func isAdmitted(at now: UInt64) -> Bool { isAdmitted(by: breaker, at: now) }

        fileprivate func ended(_ status: CallStatus, at now: UInt64) {
            breaker.ended(status, at: now, options.read { copy $0 })
        }
    }

    // Another server may well serve the call.
    private static let servedRefusal = refusal(
        "the method fails most of the time, and some of its calls are refused until it recovers",
        trailers: [CallRefusal.trailer: "1"])
    private static let madeRefusal = refusal(
        "the method fails most of the time on all instances; the client holds some of its calls back until it recovers")
    /// The error of a call for which every instance that could be picked is held back.
    package static let noInstance = refusal(
        "calls to every ready instance fail most of the time; the client holds some of them back until one recovers")

    private static func refusal(_ message: String, trailers: CallMetadata = [:]) -> PreparedError {
        // go-kratos's clients compare this reason.
        PreparedError(
            ServiceError(.unavailable, reason: "CIRCUITBREAKER", message: message), trailers: trailers)
    }

    private let options: Replaceable<CircuitBreaker.Options>
    let methods: OperationTable<Method>
    private let isServed: @Sendable (_ operation: String) -> Bool
    private let logger: Logger?
    private let log: Log
    private let refusals: RefusalCount
    let now: @Sendable () -> UInt64
    private let instant: @Sendable () -> ContinuousClock.Instant

    // A class, as a mutex cannot be copied.
    private final class Log: Sendable {
        let refusals = Mutex(Refusals())
    }

    /// Breaks the circuit of methods that fail.
    ///
    /// - Parameters:
    ///   - options: The rules. They count only if they are `enabled`.
    ///   - logger: Gets a warning when calls are refused, at most each ten seconds; `nil` for none.
    public init(_ options: CircuitBreaker.Options, logger: Logger? = nil) {
        self.init(Replaceable(options), logger: logger)
    }

    init(
        _ options: Replaceable<CircuitBreaker.Options>,
        service: String? = nil,
        logger: Logger? = nil,
        generator: SharedGenerator = SharedGenerator(),
        isServed: @escaping @Sendable (_ operation: String) -> Bool = { _ in true },
        now: @escaping @Sendable () -> UInt64 = { NodeStatistics.now },
        instant: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.options = options
        self.logger = logger
        self.isServed = isServed
        self.now = now
        self.instant = instant
        methods = OperationTable(limit: Self.maximumMethods) { Method(options, generator) }
        log = Log()
        refusals = RefusalCount(service == nil ? .server : .client, reason: "breaker", service: service)
    }

    /// Holds the calls of a channel back.
    ///
    /// - Parameters:
    ///   - options: The rules. They count only if they are `enabled`.
    ///   - service: The service called.
    ///   - logger: Gets a warning when calls are refused, at most each ten seconds.
    package init(_ options: CircuitBreaker.Options, service: String, logger: Logger) {
        self.init(Replaceable(options), service: service, logger: logger)
    }

    /// Whether any call may be refused.
    package var isEnabled: Bool { options.read { $0.enabled } }

    /// The calls refused so far.
    package var refusedCalls: Int { refusals.value }

    /// The probability with which the breaker of an instance refuses a call now.
    package func refusalProbability(of instance: borrowing CircuitBreaker, at now: UInt64) -> Double {
        isEnabled ? instance.refusalProbability(at: now, options.read { copy $0 }) : 0
    }

    /// Holds calls of a simulated client back.
    package init(
        _ options: CircuitBreaker.Options, generator: SharedGenerator, now: @escaping @Sendable () -> UInt64
    ) {
        self.init(Replaceable(options), generator: generator, now: now)
    }

    /// Takes other rules over.
    package func setOptions(_ next: CircuitBreaker.Options) {
        options.setIfChanged(next)
    }

    /// Lets a call be served, or refuses it.
    ///
    /// - Throws: ``ServiceError`` when the method's breaker refuses the call.
    public func beginServing(_ call: inout Call) throws {
        // A method that no server has does not fail: its callers err.
        guard options.read({ $0.enabled }), isServed(call.operation) else { return }
        let method = methods[call.operation]
        let now = now()
        guard method.isAdmitted(at: now) || OperatorService.has(call.operation) else {
            report(call.operation, at: now, "server.breaker")
            throw Self.servedRefusal
        }
        let deadline = CallerDeadline(of: call)
        call.onEnd { [time = self.now, instant] call, result in
            let status = CallStatus(result.error)
            if deadline.hasEnded(call, status, at: instant()) { return }
            method.ended(status, at: time())
        }
    }

    /// Lets an attempt of a call be made, or refuses it.
    ///
    /// - Returns: The method's breaker, to be told of the attempt's end; `nil` if breakers are off.
    /// - Throws: `PreparedError` when the method's breaker refuses the attempt.
    package func beginAttempt(of operation: String) throws(PreparedError) -> Method? {
        guard options.read({ $0.enabled }) else { return nil }
        let method = methods[operation]
        let now = now()
        guard method.isAdmitted(at: now) else {
            report(operation, at: now, "client.breaker")
            throw Self.madeRefusal
        }
        return method
    }

    /// An attempt was refused because the breakers of all instances refused it.
    package func refusedByInstances(_ operation: String) {
        report(operation, at: now(), "client.breaker")
    }

    private func report(_ operation: String, at now: UInt64, _ section: String) {
        refusals.add()
        guard let logger, let count = log.refusals.withLock({ $0.add(at: now) }) else { return }
        logger.warning(
            "refusing calls: they fail most of the time; see \(section)",
            metadata: ["refused": "\(count)", "operation": "\(operation)"]
        )
    }
}
