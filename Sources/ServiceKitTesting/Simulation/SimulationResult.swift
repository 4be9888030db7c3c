public import ServiceKit

/// All calls of a ``Simulation``, and figures over them.
public struct SimulationResult: Hashable, Sendable {
    /// A call that has ended.
    public struct Call: Hashable, Sendable {
        /// The client's number, from 0.
        public let client: Int
        /// The priority.
        public let priority: CallPriority
        /// The number of the key; `nil` for a call without one.
        public let key: Int?
        /// The operation of the method.
        public let operation: String
        /// The number of attempts.
        public let attempts: Int
        /// The error's code; `nil` when the call succeeded.
        public let code: ServiceError.Code?
        let beginNanoseconds: UInt64
        let latencyNanoseconds: UInt64

        /// When it began, since the start of the simulation.
        public var begin: Duration { Duration(nanoseconds: beginNanoseconds) }
        /// How long it took.
        public var latency: Duration { Duration(nanoseconds: latencyNanoseconds) }
    }

    /// An attempt of a call that has ended.
    public struct Attempt: Hashable, Sendable {
        /// The client's number, from 0.
        public let client: Int
        /// The number of the server, an index of ``SimulationResult/servers``.
        public let server: Int
        /// The number of the call's key; `nil` for a call without one.
        public let key: Int?
        /// The error's code; `nil` when the attempt succeeded.
        public let code: ServiceError.Code?
        let beginNanoseconds: UInt64
        let latencyNanoseconds: UInt64
        let queueNanoseconds: UInt64?

        /// When it began, since the start of the simulation.
        public var begin: Duration { Duration(nanoseconds: beginNanoseconds) }
        /// How long it took.
        public var latency: Duration { Duration(nanoseconds: latencyNanoseconds) }
        /// How long it waited for a worker of the server; `nil` if none took it.
        public var queueDelay: Duration? { queueNanoseconds.map { Duration(nanoseconds: $0) } }
    }

    /// The ids of all servers, in the order in which they came.
    public let servers: [String]
    /// The time that the figures are of, from the start of the simulation.
    public let period: Range<Duration>
    /// The calls that began in the period, in the order in which they ended.
    public let calls: [Call]
    /// The attempts that began in the period, in the order in which they ended.
    public let attempts: [Attempt]

    /// The figures of a part of the time.
    public func during(_ period: Range<Duration>) -> SimulationResult {
        let range = period.lowerBound.nanoseconds..<period.upperBound.nanoseconds
        return SimulationResult(
            servers: servers,
            period: period,
            calls: calls.filter { range.contains($0.beginNanoseconds) },
            attempts: attempts.filter { range.contains($0.beginNanoseconds) }
        )
    }

    /// The figures of some servers' attempts. The calls are all.
    public func attempts(on server: String) -> [Attempt] {
        attempts.filter { servers[$0.server] == server }
    }

    // MARK: - Figures

    /// How many attempts each server got.
    public var attemptsPerServer: [String: Int] {
        var counts = Array(repeating: 0, count: servers.count)
        for attempt in attempts { counts[attempt.server] += 1 }
        return Dictionary(zip(servers, counts)) { $0 + $1 }
    }

    /// Which part of the attempts a server got, from 0 to 1.
    public func share(of server: String) -> Double {
        Self.ratio(attempts(on: server).count, attempts.count)
    }

    /// Which part of the calls succeeded, from 0 to 1.
    public var successRate: Double { Self.ratio(calls.count { $0.code == nil }, calls.count) }

    /// Which part of the calls of a priority succeeded, from 0 to 1.
    public func successRate(of priority: CallPriority) -> Double {
        let calls = calls.filter { $0.priority == priority }
        return Self.ratio(calls.count { $0.code == nil }, calls.count)
    }

    /// How many calls failed, by the error's code.
    public var failures: [ServiceError.Code: Int] {
        calls.reduce(into: [:]) { counts, call in
            if let code = call.code { counts[code, default: 0] += 1 }
        }
    }

    /// How many calls succeeded per second.
    public var goodput: Double {
        Double(calls.count { $0.code == nil }) / max((period.upperBound - period.lowerBound) / .seconds(1), 1e-9)
    }

    /// How many attempts a call had on average.
    public var attemptsPerCall: Double { Self.ratio(attempts.count, calls.count) }

    /// The latency that a part of all calls did not exceed: 0.99 for the 99th percentile. 0 when there is no call.
    public func latency(_ quantile: Double) -> Duration {
        Self.quantile(quantile, calls.map(\.latencyNanoseconds))
    }

    /// The latency that a part of the calls that succeeded did not exceed. 0 when there is none.
    public func servedLatency(_ quantile: Double) -> Duration {
        Self.quantile(quantile, calls.filter { $0.code == nil }.map(\.latencyNanoseconds))
    }

    /// The time that a part of the attempts did not exceed in waiting for a worker. 0 when there is none.
    public func queueDelay(_ quantile: Double) -> Duration {
        Self.quantile(quantile, attempts.compactMap(\.queueNanoseconds))
    }

    private static func ratio(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }

    /// The nearest rank.
    private static func quantile(_ quantile: Double, _ values: [UInt64]) -> Duration {
        guard !values.isEmpty else { return .zero }
        let rank = Int((min(max(quantile, 0), 1) * Double(values.count)).rounded(.up))
        return Duration(nanoseconds: values.sorted()[max(0, rank - 1)])
    }
}
