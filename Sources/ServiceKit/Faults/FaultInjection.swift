public import Logging
private import Synchronization

/// Delays and aborts a share of the calls on purpose, to find out how a system bears it.
///
/// An App has this middleware on both sides, with the options of `server.faults`, and of `client.faults` and
/// `clients.<service>.faults`. It does nothing unless they name a fault. A running App follows changes.
///
/// ```yaml
/// server:
///   faults:
///     delay: { duration: 200ms, percentage: 50 }
///     methods:
///       /user.v1.UserService/GetUser: { header: x-md-global-fault, abort: { status: UNAVAILABLE } }
/// ```
///
/// Delay and abort are drawn for each call, independently of each other. A call that gets both is delayed first. A fault
/// comes after the middleware and before the handler, or before the first attempt. So metrics, traces and the log have it,
/// and a call's deadline holds during a delay. An aborted call has the reason ``reason``. Health has no
/// middleware, and so no faults.
///
/// The semantics are those of Envoy's fault filter and of gRFC A33.
public struct FaultInjection: SynchronousMiddleware, ClientMiddlewareOfService {
    /// The reason in the error of an aborted call.
    public static let reason = "FAULT_INJECTED"

    // A class, as neither part can be copied.
    private final class Shared: Sendable {
        let random: SharedSplitMix64
        let injected = Mutex(Refusals())

        init(_ random: consuming SharedSplitMix64) { self.random = random }
    }

    private let options: Replaceable<Options>
    /// Reads the faults of calls to a service; `nil` if they are the same for all.
    private let optionsOfService: (@Sendable (_ service: String) throws -> Replaceable<Options>)?
    private let shared: Shared
    private let logger: Logger?

    /// Injects faults.
    ///
    /// - Parameters:
    ///   - options: The faults.
    ///   - logger: Gets a warning while faults are injected, at most each ten seconds; `nil` for none.
    ///   - seed: The start of the random numbers: the same seed draws the same faults. By default any.
    public init(_ options: Options, logger: Logger? = nil, seed: UInt64? = nil) {
        self.init(Replaceable(options), logger: logger, seed: seed)
    }

    /// Injects faults by options that may change: each call has those that are in force when it begins.
    init(
        _ options: Replaceable<Options>,
        logger: Logger? = nil,
        seed: UInt64? = nil,
        ofService: (@Sendable (_ service: String) throws -> Replaceable<Options>)? = nil
    ) {
        self.init(options, Shared(SharedSplitMix64(seed: seed ?? .random(in: 0 ... .max))), logger, ofService)
    }

    private init(
        _ options: Replaceable<Options>,
        _ shared: Shared,
        _ logger: Logger?,
        _ ofService: (@Sendable (_ service: String) throws -> Replaceable<Options>)?
    ) {
        self.options = options
        self.shared = shared
        self.logger = logger
        optionsOfService = ofService
    }

    package func forCalls(to service: String) throws -> any Middleware {
        guard let optionsOfService else { return self }
        return FaultInjection(try optionsOfService(service), shared, logger, optionsOfService)
    }

    /// Delays or aborts a call, if it is drawn.
    ///
    /// - Throws: ``ServiceError`` with the configured status.
    public func begin(_ call: inout Call) throws {
        guard let fault = options.read({ $0.fault(for: call.operation) }) else { return }
        if !fault.header.isEmpty, call.metadata[fault.header] == nil { return }
        let delay = fault.delay.duration.flatMap { isDrawn(fault.delay.percentage) ? $0 : nil }
        let error = fault.abort.status.flatMap { isDrawn(fault.abort.percentage) ? fault.abort.error($0) : nil }
        if delay != nil || error != nil { report(call.side) }
        if let delay {
            call.delay = CallDelay(delay, error)
        } else if let error {
            throw error
        }
    }

    private func isDrawn(_ percentage: Double) -> Bool {
        let million = 1_000_000
        return Double(shared.random.next(below: million)) < percentage / 100 * Double(million)
    }

    private func report(_ side: Call.Side) {
        guard let logger, let count = shared.injected.withLock({ $0.add(at: NodeStatistics.now) }) else { return }
        logger.warning(
            "injecting faults into calls, as \(side == .server ? "server.faults" : "client.faults") says",
            metadata: ["calls": "\(count)"]
        )
    }
}
