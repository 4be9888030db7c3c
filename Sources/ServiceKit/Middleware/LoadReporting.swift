public import ServiceKitConfig

/// Tells callers the load of this process: puts a ``LoadReport`` into the trailers of each answer. Over HTTP it does so only
/// where the request has the header ``LoadReport/formatHeader``.
///
/// Balancers such as `p2c`, `least_request` and `prequal` then also count the calls of other clients, without probes. An App
/// has this middleware if `server.load-reports.enabled` says so. Else a call costs nothing more, and clients go by their own
/// calls.
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
    private let now: @Sendable () -> UInt64

    /// Reports a load.
    public init(_ load: ServedLoad) {
        self.init(load) { NodeStatistics.now }
    }

    init(_ load: ServedLoad, now: @escaping @Sendable () -> UInt64) {
        self.load = load
        self.now = now
    }

    /// Counts a served call, and adds the report to its trailers.
    public func beginServing(_ call: inout Call) {
        let begun = load.begin(at: now())
        let transport = call.transport
        let form = transport == "http" ? call.metadata[LoadReport.formatHeader] : nil
        call.onEnd { _, result in
            let report = load.end(begun, at: now(), failed: result.error != nil)
            Self.append(report, as: form, over: transport, to: &result.trailers)
        }
    }

    package func refused(_ head: borrowing CallHead, by error: PreparedError, _ trailers: inout CallMetadata) {
        let now = now()
        let report = load.end(load.begin(at: now), at: now, failed: true)
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
