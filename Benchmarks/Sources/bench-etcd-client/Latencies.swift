import Histogram

/// A histogram of times, to three digits.
struct Latencies: Sendable {
    private var nanoseconds = Histogram<UInt64>(numberOfSignificantValueDigits: .three)

    mutating func record(_ duration: Duration) {
        self.nanoseconds.record(UInt64(max(.zero, duration) / .nanoseconds(1)))
    }

    mutating func add(_ others: Latencies) {
        self.nanoseconds.add(others.nanoseconds)
    }

    /// A percentile, in microseconds.
    func microseconds(_ percentile: Double) -> Double {
        Double(self.nanoseconds.valueAtPercentile(percentile)) / 1000
    }
}
