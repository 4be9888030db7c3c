import Glibc
import ServiceKit

/// The results of a number of calls.
struct Summary: Sendable {
    /// Calls that ended.
    private(set) var calls = 0
    /// The number of calls under way at the end, and the time of the longest. They count neither as failures nor as
    /// answered.
    private(set) var open: (count: Int, longest: Duration) = (0, .zero)
    /// The number of calls that were due, but not made because too many were open.
    var missed = 0
    private(set) var failures = FailureCounts()
    private var latencies = LatencyHistogram()
    var duration = Duration.zero
    var instances: [String: Int] = [:]
    /// The reason why the registry was away at the end; `nil` if it was not.
    var outage: String?

    mutating func add(_ record: CallRecord) {
        calls += 1
        latencies.record(record.latency)
        if let (status, message) = record.failure { failures.add(status, message) }
    }

    mutating func addOpen(_ record: CallRecord) {
        open = (open.count + 1, max(open.longest, record.latency))
    }

    /// Whether calls failed, or none was answered at all.
    var isFailure: Bool { failures.count > 0 || calls == 0 }

    /// The summary for people.
    var text: String {
        let seconds = duration / .seconds(1)
        var lines = [
            "calls      \(calls) in \(Self.rounded(seconds)) s, \(Int(Double(calls) / max(seconds, 0.001))) a second",
            calls == 0
                ? "latency    unknown, as no call ended"
                : "latency    p50 \(Self.text(latencies.percentile(50))), p99 \(Self.text(latencies.percentile(99)))",
            "failures   \(failures.count)",
        ]
        lines += failures.lines.map { "           \($0)" }
        if open.count > 0 {
            lines.append(
                "open       \(open.count) not answered at the end, the longest after \(Self.text(open.longest))")
        }
        if missed > 0 { lines.append("missed     \(missed) calls: due, but not made because too many were open") }
        if let outage { lines.append("registry   away: \(outage)") }
        for (index, (id, count)) in instances.sorted(by: { $0.key < $1.key }).enumerated() {
            lines.append("\(index == 0 ? "served by" : "         ")  \(id): \(count)")
        }
        return lines.joined(separator: "\n")
    }

    /// The summary for programs, on one line. Instance ids need no escapes: a registry allows only plain characters in
    /// them.
    var json: String {
        let instances = instances.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
        let statuses = failures.byStatus.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
            .joined(separator: ",")
        func microseconds(_ percent: Double) -> String {
            calls == 0 ? "null" : "\(Int(latencies.percentile(percent) / .microseconds(1)))"
        }
        return "{\"calls\":\(calls),\"failures\":\(failures.count),\"open\":\(open.count),\"missed\":\(missed),"
            + "\"p50_us\":\(microseconds(50)),\"p99_us\":\(microseconds(99)),"
            + "\"statuses\":{\(statuses)},\"instances\":{\(instances)}}"
    }

    private static func text(_ latency: Duration) -> String {
        let microseconds = latency / .microseconds(1)
        return microseconds < 1000 ? "\(Int(microseconds)) µs" : "\(rounded(microseconds / 1000)) ms"
    }

    private static func rounded(_ value: Double) -> Double {
        (value * 100).rounded() / 100
    }
}

/// A histogram of latencies in constant memory. A bucket is 1/16 of a doubling wide: 4.4 % of its value.
struct LatencyHistogram: Sendable {
    private static let bucketsPerDoubling = 16.0
    private var buckets = [Int](repeating: 0, count: 1024)
    private var count = 0

    mutating func record(_ latency: Duration) {
        buckets[Int(log2(max(1, latency / .nanoseconds(1))) * Self.bucketsPerDoubling)] += 1
        count += 1
    }

    /// The latency that this percentage of the calls did not exceed.
    func percentile(_ percent: Double) -> Duration {
        var rank = Int((Double(count) * percent / 100).rounded(.up))
        for (index, bucket) in buckets.enumerated() {
            rank -= bucket
            if rank <= 0 { return .nanoseconds(exp2(Double(index + 1) / Self.bucketsPerDoubling)) }
        }
        return .zero
    }
}
