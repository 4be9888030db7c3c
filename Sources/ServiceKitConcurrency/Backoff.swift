/// Growing pauses between attempts, with full jitter.
///
/// Each pause is random between zero and a bound, which starts at ``base`` and grows up to ``maximum``. So clients
/// that failed together do not come back together ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
package struct Backoff: Sendable {
    /// The bound of the first pause.
    package let base: Duration
    /// The bound of every later pause.
    package let maximum: Duration
    /// How many times as long each bound is as the one before.
    package let multiplier: Double

    private var bound: Duration

    package init(base: Duration = .milliseconds(100), maximum: Duration = .seconds(5), multiplier: Double = 2) {
        self.base = base
        self.maximum = maximum
        self.multiplier = multiplier
        bound = min(base, maximum)
    }

    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// The next pause, with a given source of randomness.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        defer { bound = min(bound * multiplier, maximum) }
        return bound * Double.random(in: 0...1, using: &generator)
    }

    /// Starts anew, after a success for example.
    package mutating func reset() {
        bound = min(base, maximum)
    }
}
