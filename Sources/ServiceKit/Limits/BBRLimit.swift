/// A limit of the calls in flight that acts while the processors are busy: go-kratos's `bbr`.
///
/// The most calls in flight are the product of the most calls that ended in a bucket of the window and the least mean latency
/// of a bucket, as BBR takes the bandwidth and the round-trip time of a network (Cardwell et al., ACM Queue 2016). More are
/// refused while the processors are busier than the threshold, and for a second after the first refusal.
///
/// All times are in nanoseconds from any origin, not 0.
struct BBRLimit: Sendable {
    private struct Bucket {
        /// The bucket's number since the origin.
        var number: UInt64 = 0
        var count = 0.0
        var latencies = 0.0
    }

    private static let bucketCount: UInt64 = 100
    private static let bucketTime: UInt64 = 100_000_000
    private static let coolOff: UInt64 = 1_000_000_000

    private var buckets = Array(repeating: Bucket(), count: Int(bucketCount))
    private var firstRefusal: UInt64 = 0
    /// The most calls in flight, kept for the bucket in which it was computed.
    private var kept: (number: UInt64, limit: Double) = (0, 0)

    /// Whether a call may begin beside others.
    mutating func admits(
        inFlight: Int, usage: Double, threshold: Double, priority: CallPriority, at now: UInt64
    ) -> Bool {
        if usage < threshold, firstRefusal == 0 || now >= firstRefusal + Self.coolOff {
            firstRefusal = 0
            return true
        }
        // As in go-kratos, one call is always let in beside another.
        if inFlight <= 1 || inFlight <= priority.share(of: Int(maximum(at: now))) { return true }
        if firstRefusal == 0 { firstRefusal = now }
        return false
    }

    mutating func ended(latency: UInt64, at now: UInt64) {
        let number = now / Self.bucketTime
        let index = Int(number % Self.bucketCount)
        if buckets[index].number != number { buckets[index] = Bucket(number: number) }
        buckets[index].count += 1
        buckets[index].latencies += Double(latency)
    }

    /// The most calls in flight. The current bucket does not count: it is not full yet.
    mutating func maximum(at now: UInt64) -> Double {
        let number = now / Self.bucketTime
        if kept.number == number { return kept.limit }
        var most = 1.0
        var least = Double.infinity
        for bucket in buckets where bucket.count > 0 && bucket.number < number {
            guard number - bucket.number < Self.bucketCount else { continue }
            most = max(most, bucket.count)
            least = min(least, bucket.latencies / bucket.count)
        }
        // At least 1 ms, also while nothing is known.
        least = least.isFinite ? max(least, 1e6) : 1e6
        kept = (number, max(1, most * least / Double(Self.bucketTime)))
        return kept.limit
    }
}
