/// How long a client waits between two attempts to connect.
///
/// The longest wait grows exponentially with each attempt that fails; each wait is drawn anew between zero and the longest
/// ("full jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that the
/// clients of a server that comes back do not all come back at once. The shape is that of
/// https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md; it starts smaller than the second named there,
/// because in a fleet whose services move the next attempt mostly succeeds.
public struct ConnectionBackoff: Sendable, Hashable {
    /// The longest wait after the first attempt that failed. Default: 100 ms.
    public var initial = Duration.milliseconds(100)

    /// How much longer the longest wait gets with each further attempt. Default: 1.6.
    public var multiplier = 1.6

    /// The bound of the longest wait. Default: 120 s.
    public var max = Duration.seconds(120)

    /// The default backoff.
    public static var defaults: Self { Self() }

    private init() {}

    /// The wait after a number of attempts that failed, at least one.
    func wait(afterFailures failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        var longest = Swift.min(initial, max)
        for _ in 1..<Swift.max(1, failures) where longest < max {
            longest = Swift.min(longest * multiplier, max)
            // A multiplier of one or less never gets there.
            guard multiplier > 1 else { break }
        }
        guard longest > .zero else { return .zero }
        return longest * Double.random(in: 0..<1, using: &generator)
    }
}
