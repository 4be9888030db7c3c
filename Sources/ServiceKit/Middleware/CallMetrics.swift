public import Metrics
public import ServiceKitConfig
private import Synchronization

/// Measures calls through swift-metrics, with the names of OpenTelemetry's conventions for RPC.
///
/// | metric | kind | dimensions |
/// |---|---|---|
/// | `rpc.server.call.duration`, `rpc.client.call.duration` | timer, shown in seconds | those below, `rpc.response.status_code`, and `error.type` of a failure |
/// | `rpc.server.active_calls`, `rpc.client.active_calls` | meter: the calls in flight | `rpc.system.name`, `rpc.method`; `server.address` (the service called) on a client |
/// | `grpc.client.attempt.duration` (gRFC A66) | timer, shown in seconds | `grpc.method`, `grpc.target` (the service called), `grpc.status` |
///
/// A method is `user.v1.UserService/GetUser`. Methods beyond ``Options/maxMethods``, and those that no server of the App
/// has, count together as `_OTHER`: a caller who makes names up makes no time series.
///
/// Attempts are measured as a ``CallObserver``: an App adds both. The metrics go to the backend that the program has
/// bootstrapped when the first call begins. If there is none, a call costs next to nothing.
public struct CallMetrics: HeadMiddleware, ClientMiddlewareOfService, CallObserver {
    /// The section `metrics`.
    public struct Options: ConfigurationSection, Hashable {
        /// Whether calls are measured; true by default. Without a backend nothing is.
        public var enabled = true
        /// The number of methods that have metrics of their own, those of all services together; 1000 by default.
        public var maxMethods = 1000

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [OptionRange("max-methods", \.maxMethods, 1...1_000_000)]

        /// The meaning of each option.
        public static let help = [
            "enabled": "whether calls are measured, if the program bootstraps a metrics backend",
            "max-methods": "the number of methods that have metrics of their own; all others count as `_OTHER`",
        ]
    }

    private let options: Replaceable<Options>
    private let series: Lazily<CallSeries?>
    /// The service whose calls are made; `nil` if that is told by the call alone.
    private let service: String?

    /// Measures calls.
    ///
    /// - Parameters:
    ///   - options: The bound of the methods; the defaults if there are none.
    ///   - factory: The backend; by default the one that is bootstrapped when the first call begins.
    public init(_ options: Options = Options(), factory: (any MetricsFactory)? = nil) {
        self.init(Replaceable(options), factory: factory)
    }

    /// Measures calls by options that may change.
    ///
    /// - Parameters:
    ///   - options: The options.
    ///   - factory: The backend; by default the bootstrapped one.
    ///   - isServed: Whether the process serves an operation. It is asked only for operations without metrics.
    init(
        _ options: Replaceable<Options>,
        factory: (any MetricsFactory)? = nil,
        isServed: @escaping @Sendable (_ operation: String) -> Bool = { _ in true }
    ) {
        self.options = options
        series = Lazily {
            let factory = factory ?? MetricsSystem.factory
            return factory is NOOPMetricsHandler ? nil : CallSeries(factory, isServed: isServed)
        }
        service = nil
    }

    private init(_ same: CallMetrics, service: String) {
        options = same.options
        series = same.series
        self.service = service
    }

    package func forCalls(to service: String) -> any Middleware {
        CallMetrics(self, service: service)
    }

    /// Measures a served call.
    public func beginServing(_ call: inout Call) {
        begin(&call, target: "")
    }

    /// Measures a made call, all its attempts together.
    public func beginCalling(_ call: inout Call) {
        begin(&call, target: service ?? call.peer)
    }

    private func begin(_ call: inout Call, target: String) {
        guard let (series, limit) = enabled else { return }
        let method = series.calls(
            MethodKey(side: call.side, system: call.transport, target: target, operation: call.operation),
            limit: limit
        )
        method.active.increment(by: 1)
        call.onEnd(method.end)
    }

    /// Measures a call that was refused by its head: no time passed.
    package func refused(_ head: borrowing CallHead, by error: PreparedError, _ trailers: inout CallMetadata) {
        guard let (series, limit) = enabled else { return }
        let key = MethodKey(side: .server, system: head.transport, target: "", operation: head.operation)
        series.calls(key, limit: limit).durations.timer(of: CallStatus(error)).recordNanoseconds(0)
    }

    /// Measures an attempt.
    public func ended(_ report: CallReport) {
        guard let (series, limit) = enabled else { return }
        let key = MethodKey(
            side: .client, system: "grpc", target: report.node.instance.name, operation: report.operation)
        let duration = Int64(clamping: report.latency)
        series.attempts(key, limit: limit).timer(of: report.status).recordNanoseconds(duration)
    }

    private var enabled: (CallSeries, limit: Int)? {
        guard let series = series.value else { return nil }
        return options.read { $0.enabled ? (series, $0.maxMethods) : nil }
    }
}

/// A method, seen from one side.
private struct MethodKey: Hashable {
    let side: Call.Side
    let system: String
    /// The service called; empty on a server.
    var target: String
    var operation: String

    /// The method as metrics name it.
    var method: String { operation.first == "/" ? String(operation.dropFirst()) : operation }

    /// All methods that have no metrics of their own.
    var other: MethodKey { MethodKey(side: side, system: system, target: "", operation: "_OTHER") }
}

/// The time series of calls, by method.
private final class CallSeries: Sendable {
    private let factory: any MetricsFactory
    private let isServed: @Sendable (_ operation: String) -> Bool
    private let calls = Mutex<[MethodKey: MethodMetrics]>([:])
    private let attempts = Mutex<[MethodKey: StatusTimers]>([:])

    init(_ factory: any MetricsFactory, isServed: @escaping @Sendable (_ operation: String) -> Bool) {
        self.factory = factory
        self.isServed = isServed
    }

    func calls(_ key: MethodKey, limit: Int) -> MethodMetrics {
        calls.withLock { find(key, in: &$0, limit) { MethodMetrics($0, factory) } }
    }

    func attempts(_ key: MethodKey, limit: Int) -> StatusTimers {
        attempts.withLock { find(key, in: &$0, limit) { StatusTimers(ofAttempts: $0, factory) } }
    }

    private func find<Series>(
        _ key: MethodKey,
        in table: inout [MethodKey: Series],
        _ limit: Int,
        _ make: (MethodKey) -> Series
    ) -> Series {
        if let series = table[key] { return series }
        var key = key
        if table.count >= limit || (key.side == .server && !isServed(key.operation)) {
            key = key.other
            if let series = table[key] { return series }
        }
        let series = make(key)
        table[key] = series
        return series
    }
}

/// The metrics of one method's calls.
private final class MethodMetrics: Sendable {
    /// The calls in flight.
    let active: Meter
    /// The time that calls took.
    let durations: StatusTimers
    /// Measures a call. Made once: a closure made for each call would cost it an allocation.
    let end: Call.End

    init(_ key: MethodKey, _ factory: any MetricsFactory) {
        let side = key.side == .server ? "server" : "client"
        var dimensions = [("rpc.system.name", key.system), ("rpc.method", key.method)]
        if !key.target.isEmpty { dimensions.append(("server.address", key.target)) }
        let active = Meter(label: "rpc.\(side).active_calls", dimensions: dimensions, factory: factory)
        let durations = StatusTimers(label: "rpc.\(side).call.duration", factory) {
            [dimensions, side = key.side] status in
            dimensions + [("rpc.response.status_code", status.name)]
                + (status.isFailure(of: side) ? [("error.type", status.name)] : [])
        }
        self.active = active
        self.durations = durations
        end = { call, result in
            active.decrement(by: 1)
            durations.timer(of: CallStatus(result.error)).record(duration: ContinuousClock.now - call.start)
        }
    }
}

/// A timer for each status, made when a call first ends so.
private final class StatusTimers: Sendable {
    private let label: String
    private let factory: any MetricsFactory
    private let dimensions: @Sendable (CallStatus) -> [(String, String)]
    /// Most calls end so. It is found without a lock.
    private let ok = AtomicLazyReference<Timer>()
    private let others = Mutex<[CallStatus: Timer]>([:])

    init(
        label: String,
        _ factory: any MetricsFactory,
        _ dimensions: @escaping @Sendable (CallStatus) -> [(String, String)]
    ) {
        self.label = label
        self.factory = factory
        self.dimensions = dimensions
    }

    convenience init(ofAttempts key: MethodKey, _ factory: any MetricsFactory) {
        // gRFC A66 names the rest so.
        let method = key.operation == key.other.operation ? "other" : key.method
        self.init(label: "grpc.client.attempt.duration", factory) { [target = key.target] status in
            [("grpc.method", method), ("grpc.target", target), ("grpc.status", status.name)]
        }
    }

    func timer(of status: CallStatus) -> Timer {
        if status == .ok { return ok.load() ?? ok.storeIfNil(make(.ok)) }
        return others.withLock { others in
            if let timer = others[status] { return timer }
            let timer = make(status)
            others[status] = timer
            return timer
        }
    }

    private func make(_ status: CallStatus) -> Timer {
        let handler = factory.makeTimer(label: label, dimensions: dimensions(status))
        handler.preferDisplayUnit(.seconds)
        return Timer(label: label, dimensions: dimensions(status), handler: handler, factory: factory)
    }
}
