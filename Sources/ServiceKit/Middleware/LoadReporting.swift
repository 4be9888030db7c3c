public import ServiceKitConfig

/// Tells callers the load of this process: puts a ``LoadReport`` into the trailers of each answer. Over HTTP it does so only
/// where the request has the header ``LoadReport/formatHeader``.
///
/// Balancers such as `p2c`, `least_request` and `prequal` then also count the calls of other clients, without probes. An App
/// has this middleware with the options of `server.load-reports`. Unless they are `enabled`, it does nothing, and clients go by
/// their own calls.
///
/// A refused call, by a limit, a breaker, authentication or rules, is no part of the rates and the latency: it says nothing
/// about how fast the server is. A call is a failure if the server is to blame: 500, 503, 504 by a limit of the server, data
/// loss, an unknown error.
public struct LoadReporting: HeadMiddleware {
    /// The section `server.load-reports`.
    public struct Options: ConfigurationSection, Hashable {
        /// Whether answers have a report; false by default.
        public var enabled = false

        /// The defaults.
        public init() {}

        /// The meaning of each option.
        public static let help = [
            "enabled":
                "whether answers tell the server's load in the trailer `endpoint-load-metrics-bin`, over HTTP to clients that "
                + "ask, for the clients' balancers"
        ]
    }

    private let load: ServedLoad
    private let options: Replaceable<Options>
    private let now: @Sendable () -> UInt64
    private let instant: @Sendable () -> ContinuousClock.Instant

    /// Reports a load.
    public init(_ load: ServedLoad) {
        self.init(load, Self.on)
    }

    static var on: Replaceable<Options> {
        var options = Options()
        options.enabled = true
        return Replaceable(options)
    }

    init(
        _ load: ServedLoad,
        _ options: Replaceable<Options> = on,
        now: @escaping @Sendable () -> UInt64 = { NodeStatistics.now },
        instant: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.load = load
        self.options = options
        self.now = now
        self.instant = instant
    }

    /// Counts a served call, and adds the report to its trailers.
    public func beginServing(_ call: inout Call) {
        guard options.read({ $0.enabled }) else { return }
        let begun = load.begin(at: now())
        let transport = call.transport
        let form = transport == "http" ? call.metadata[LoadReport.formatHeader] : nil
        let deadline = CallerDeadline(of: call)
        call.onEnd { [load, now, instant] call, result in
            let status = CallStatus(result.error)
            let report = load.end(
                begun, at: now(),
                failed: CircuitBreaker.failures.contains(status) && !deadline.hasEnded(call, status, at: instant()),
                refused: Self.isRefusal(result.error, status))
            Self.append(report, as: form, over: transport, to: &result.trailers)
        }
    }

    /// Whether a call was refused before a handler saw it.
    private static func isRefusal(_ error: (any Error)?, _ status: CallStatus) -> Bool {
        status == .unauthenticated || error is PreparedError
    }

    package func refused(_ head: borrowing CallHead, by error: PreparedError, _ trailers: inout CallMetadata) {
        guard options.read({ $0.enabled }) else { return }
        let now = now()
        let report = load.end(load.begin(at: now), at: now, failed: false, refused: true)
        let transport = head.transport
        Self.append(
            report, as: transport == "http" ? head.text(of: LoadReport.formatHeader) : nil, over: transport,
            to: &trailers)
    }

    /// Adds a report to trailers. Callers over HTTP may be browsers and strangers: they are told what they have asked for.
    private static func append(
        _ report: LoadReport, as form: String?, over transport: String, to trailers: inout CallMetadata
    ) {
        switch transport == "http" ? form : LoadReport.binaryFormat {
        case LoadReport.binaryFormat: trailers.append(.binary(report.bytes), for: LoadReport.trailer)
        case LoadReport.textFormat: trailers.append(.string(report.text), for: LoadReport.header)
        default: break
        }
    }
}
