private import Glibc
private import ServiceKitConfig

/// The weight that a node has by the load that it reports: gRFC A58.
///
///     weight = rate / (utilization + failure rate / rate · penalty)
///
/// So it is the rate that the node would serve at full use. The utilization is the application's, or else the processors'. A
/// node has no weight until it has reported its load for a while, and none when it has reported nothing for a while.
///
/// Weights are rounded to steps of 4 %, so that few nodes change their step with a report, and many have the same. All times
/// are in nanoseconds from any origin, not 0.
struct ReportedWeight: Sendable {
    /// The number of steps in which a weight doubles.
    private static let stepsPerDouble = 16.0
    /// The weights of a registry's nodes lie in this range; others are a lie.
    private static let range = 1e-6...1e9

    /// Since when there are reports without a gap; 0 if there are none.
    private var since: UInt64 = 0
    private var reportedAt: UInt64 = 0
    private var lastStep = 0

    /// Takes the last report of a node.
    mutating func take(_ report: LoadReport, at time: UInt64, _ options: WeightedRoundRobin.Options) {
        guard time > reportedAt, let rate = report.rate, rate > 0,
            let utilization = [report.utilization, report.processorUtilization].lazy.compactMap(\.self).first(where: {
                $0 > 0
            })
        else { return }
        if isExpired(at: time, options) { since = time }
        reportedAt = time
        let failures = (report.failureRate ?? 0) / rate * options.errorPenalty
        let weight = rate / (utilization + failures)
        lastStep = Int(
            (log2(min(max(weight, Self.range.lowerBound), Self.range.upperBound)) * Self.stepsPerDouble).rounded())
    }

    /// The step of the weight; `nil` while the node has none.
    func step(at now: UInt64, _ options: WeightedRoundRobin.Options) -> Int? {
        if isExpired(at: now, options) { return nil }
        return now >= since + options.blackout.weightNanoseconds ? lastStep : nil
    }

    private func isExpired(at now: UInt64, _ options: WeightedRoundRobin.Options) -> Bool {
        since == 0 || now >= reportedAt + options.expiry.weightNanoseconds
    }

    /// The weight of a step.
    static func weight(ofStep step: Int) -> Double { exp2(Double(step) / stepsPerDouble) }
}

extension Duration {
    fileprivate var weightNanoseconds: UInt64 { UInt64(min(max(0, self / .nanoseconds(1)), 1e18)) }
}
