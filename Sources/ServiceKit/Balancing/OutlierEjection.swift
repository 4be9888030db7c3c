public import ServiceKitConfig
private import Synchronization

/// Ejects nodes that are worse than the others for a time: outlier detection, as Envoy and gRPC (gRFC A50) have it.
///
/// A node is ejected after some failures in a row; or when an interval ends in which its success rate was far below the
/// mean, or its latency far above the median. A channel has this policy if `client.outlier-ejection.enabled` says so.
/// ``Ejector`` says what an ejection is.
public final class OutlierEjection: EjectionPolicy {
    /// The section `client.outlier-ejection`.
    public struct Options: ConfigurationSection, Hashable {
        /// Whether nodes are ejected; false by default.
        public var enabled = false
        /// How many failures in a row eject a node; 5 by default. `nil` for none. A failure is `unavailable`,
        /// `deadlineExceeded` or `resourceExhausted`.
        public var consecutiveFailures: Int? = 5
        /// A node is ejected if its success rate is so many standard deviations below the mean; 1.9 by default. `nil` for no
        /// such rule.
        public var successRateFactor: Double? = 1.9
        /// A node is ejected if its mean latency is more than so many times the nodes' median; no such rule by default.
        public var latencyFactor: Double?
        /// How often success rates and latencies are compared; every 10 s by default.
        public var interval = Duration.seconds(10)
        /// How many calls a node must have had in an interval to be compared; 100 by default.
        public var minRequests = 100
        /// How many nodes with so many calls there must be; 5 by default.
        public var minNodes = 5
        /// How long a node's first ejection lasts; 30 s by default. The next ones last two, three and more times as long.
        public var baseTime = Duration.seconds(30)
        /// How long an ejection lasts at most; 5 min by default.
        public var maxTime = Duration.seconds(300)
        /// Which part of the nodes may be ejected at a time; 0.1 by default. One node may be in any case.
        public var maxShare = 0.1
        /// Which part of the nodes must be left; 0.5 by default. No ejection goes below it, and all are put back if nodes
        /// leave so that too few are left.
        public var panicThreshold = 0.5

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [
            OptionRange("consecutive-failures", \.consecutiveFailures, 1...1_000_000),
            OptionRange("success-rate-factor", \.successRateFactor, 0.1...100),
            OptionRange("latency-factor", \.latencyFactor, 1.1...1000),
            OptionRange("interval", \.interval, .milliseconds(100)...(.seconds(3600))),
            OptionRange("min-requests", \.minRequests, 1...1_000_000),
            OptionRange("min-nodes", \.minNodes, 2...100_000),
            OptionRange("base-time", \.baseTime, .milliseconds(1)...(.seconds(86_400))),
            OptionRange("max-time", \.maxTime, .milliseconds(1)...(.seconds(86_400))),
            OptionRange("max-share", \.maxShare, 0...1),
            OptionRange("panic-threshold", \.panicThreshold, 0...1),
        ]

        /// The meaning of each option.
        public static let help = [
            "enabled": "whether instances that are worse than the others get no calls for a time",
            "consecutive-failures": "how many failures in a row eject an instance; `null` for no such rule",
            "success-rate-factor":
                "how many standard deviations below the mean a success rate ejects an instance; `null` for no such rule",
            "latency-factor": "how many times the median a mean latency ejects an instance",
            "interval": "how often success rates and latencies are compared",
            "min-requests": "how many calls an instance must have had in an interval to be compared",
            "min-nodes": "how many instances with so many calls there must be",
            "base-time": "how long a first ejection lasts; the next ones last two, three and more times as long",
            "max-time": "how long an ejection lasts at most",
            "max-share": "which part of the instances may be ejected at a time; one may be in any case",
            "panic-threshold": "which part of the instances must be left; below it, none is ejected",
        ]
    }

    private final class Observer: CallObserver {
        private let policy: OutlierEjection
        private let handle: OutlierDetector.Handle

        init(_ policy: OutlierEjection, _ handle: OutlierDetector.Handle) {
            self.policy = policy
            self.handle = handle
        }

        deinit { policy.remove(handle) }

        func ended(_ report: CallReport) { policy.ended(report, handle) }
    }

    private struct State {
        var options: Options
        var detector = OutlierDetector()
        var ejectors: [OutlierDetector.Handle: Ejector] = [:]
    }

    private let state: Mutex<State>
    /// Whether the options are enabled: each report asks, without the lock.
    private let isEnabled: Atomic<Bool>
    private let now: @Sendable () -> UInt64

    /// Creates a policy.
    ///
    /// - Parameters:
    ///   - options: The rules.
    ///   - now: The time, as ``NodeStatistics/now`` has it.
    public init(_ options: Options, now: @escaping @Sendable () -> UInt64 = { NodeStatistics.now }) {
        state = Mutex(State(options: options))
        isEnabled = Atomic(options.enabled)
        self.now = now
    }

    /// Takes other rules over. Ejections stay, unless the policy is turned off.
    package func setOptions(_ options: Options) {
        perform { state in
            state.options = options
            return options.enabled ? [] : state.detector.stop()
        }
        isEnabled.store(options.enabled, ordering: .relaxed)
    }

    /// Makes the observer of a node.
    public func observer(of node: Node, _ ejector: Ejector) -> any CallObserver {
        let handle = state.withLock { state in
            let handle = state.detector.add()
            state.ejectors[handle] = ejector
            return handle
        }
        return Observer(self, handle)
    }

    // Called wherever the last reference to a node goes, also under the lock of its channel: so no ejector is used here.
    private func remove(_ handle: OutlierDetector.Handle) {
        state.withLock { state in
            state.detector.remove(handle)
            state.ejectors[handle] = nil
        }
    }

    private func ended(_ report: CallReport, _ handle: OutlierDetector.Handle) {
        guard isEnabled.load(ordering: .relaxed) else { return }
        let now = now()
        perform { state in
            guard state.options.enabled else { return [] }
            return state.detector.ended(handle, report.outcome, latency: report.latency, at: now, state.options)
        }
    }

    /// Takes the detector's actions outside of the lock.
    private func perform(_ body: (inout State) -> [OutlierDetector.Action]) {
        let steps = state.withLock { state in
            body(&state).map { action in
                switch action {
                case .eject(let handle, let time): (state.ejectors[handle], time)
                case .restore(let handle): (state.ejectors[handle], Duration.zero)
                }
            }
        }
        for (ejector, time) in steps { ejector?.eject(for: time) }
    }
}
