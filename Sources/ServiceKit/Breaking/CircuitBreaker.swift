public import ServiceKitConfig
private import Synchronization

/// Holds calls back from a callee that fails: the client-side throttling of Google SRE ("Site Reliability Engineering", 2016,
/// chapter 21, "Handling Overload").
///
/// In a window the breaker counts the requests, and those of them that the callee accepted. It refuses a request with the
/// probability
///
///     max(0, (requests - k · accepts) / (requests + 1))
///
/// So it never opens wholly: some requests get through all the while, and show when the callee has recovered. Requests that
/// the breaker itself refuses are not counted, as they say nothing about the callee. The throttle is therefore
/// a little softer than the book's during a failure, and open again one window after it, whatever the number of calls.
///
/// A request is a failure if it ended with one of `failures`: go-kratos counts 500, 503 and 504. A cancelled request is
/// not counted.
///
/// The window slides by interpolation: the counts of this window, and of the window before in proportion to its part that
/// still overlaps. Both are single atomic numbers, so many tasks use a breaker at once without a lock. Time and chance are
/// arguments: a breaker runs under virtual time too. All times are in nanoseconds from any origin.
public struct CircuitBreaker: ~Copyable, Sendable {
    /// The sections `client.breaker` and `server.breaker`.
    public struct Options: ConfigurationSection, Hashable {
        /// Whether calls to what fails are held back; false by default.
        public var enabled = false
        /// How many requests are allowed for each accepted one; 2 by default. With 1.1, a tenth of failures is already held
        /// back; with 2, nothing is until half of the requests fail.
        public var k = 2.0
        /// How many requests there must be in a window before any is refused; 20 by default.
        public var minRequests = 20
        /// How long a request counts; 3 s by default.
        public var window = Duration.seconds(3)

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [
            OptionRange("k", \.k, 1...1000),
            OptionRange("min-requests", \.minRequests, 1...1_000_000),
            OptionRange("window", \.window, .milliseconds(100)...(.seconds(3600))),
        ]

        /// The meaning of each option.
        public static let help = [
            "enabled": "whether calls to what fails most of the time are held back",
            "k": "how many requests are allowed for each that is accepted",
            "min-requests": "how many requests there must be in a window before any is refused",
            "window": "how long a request counts",
        ]
    }

    /// The statuses that count as a failure of the callee.
    package static let failures: Set<CallStatus> = [
        .unknown, .internalError, .dataLoss, .unavailable, .deadlineExceeded,
    ]

    // The window with an even number, and the one with an odd number.
    private let even = Atomic<UInt64>(0)
    private let odd = Atomic<UInt64>(0)

    /// Creates a breaker that has seen nothing.
    public init() {}

    // MARK: - Questions

    /// Decides whether a request may be made.
    ///
    /// - Parameters:
    ///   - now: The time.
    ///   - options: The rules.
    ///   - generator: Draws whether the request is one that gets through; asked only while requests are refused.
    /// - Returns: Whether it may.
    public func admits(
        at now: UInt64, _ options: Options, using generator: inout some RandomNumberGenerator
    ) -> Bool {
        let probability = refusalProbability(at: now, options)
        return probability <= 0 || Double.random(in: 0..<1, using: &generator) >= probability
    }

    /// The probability with which a request is refused, from 0 to 1.
    public func refusalProbability(at now: UInt64, _ options: Options) -> Double {
        let window = Self.nanoseconds(options.window)
        let number = now / window
        let current = counts(of: number)
        let previous = number == 0 ? (requests: 0, accepts: 0) : counts(of: number - 1)
        let overlap = 1 - Double(now % window) / Double(window)
        let requests = Double(current.requests) + overlap * Double(previous.requests)
        if requests < Double(options.minRequests) { return 0 }
        let accepts = Double(current.accepts) + overlap * Double(previous.accepts)
        return max(0, (requests - options.k * accepts) / (requests + 1))
    }

    // MARK: - Events

    /// A request has ended.
    ///
    /// - Parameters:
    ///   - isAccepted: Whether the callee accepted it.
    ///   - now: The time.
    ///   - options: The rules.
    public func ended(isAccepted: Bool, at now: UInt64, _ options: Options) {
        let number = now / Self.nanoseconds(options.window)
        if number.isMultiple(of: 2) {
            Self.count(isAccepted, in: number, even)
        } else {
            Self.count(isAccepted, in: number, odd)
        }
    }

    /// A request has ended with a status. One that was cancelled does not count.
    package func ended(_ status: CallStatus, at now: UInt64, _ options: Options) {
        if status == .cancelled { return }
        ended(isAccepted: !Self.failures.contains(status), at: now, options)
    }

    // MARK: - Counts

    private static func nanoseconds(_ window: Duration) -> UInt64 {
        UInt64(min(max(1, window / .nanoseconds(1)), 1e18))
    }

    private func counts(of number: UInt64) -> (requests: Int, accepts: Int) {
        let isEven = number.isMultiple(of: 2)
        let word = Word(bits: isEven ? even.load(ordering: .relaxed) : odd.load(ordering: .relaxed))
        return word.window == number & Word.windowMask ? (word.requests, word.accepts) : (0, 0)
    }

    private static func count(_ isAccepted: Bool, in number: UInt64, _ slot: borrowing Atomic<UInt64>) {
        let window = number & Word.windowMask
        var current = slot.load(ordering: .relaxed)
        while true {
            var word = Word(bits: current)
            if word.window != window {
                // A task that took its time long ago must not clear a later window. Windows that are further ahead are of
                // another length.
                if (1...4).contains((word.window &- window) & Word.windowMask) { return }
                word = Word(window: window)
            }
            word.add(isAccepted)
            let (exchanged, original) = slot.weakCompareExchange(
                expected: current, desired: word.bits, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }

    /// The counts of one window in one number: its number modulo 2²⁰, then requests and accepts of 22 bits each.
    private struct Word {
        static let windowMask: UInt64 = 1 << 20 - 1
        private static let countMask: UInt64 = 1 << 22 - 1

        private(set) var bits: UInt64

        init(bits: UInt64) { self.bits = bits }

        init(window: UInt64) { bits = window << 44 }

        var window: UInt64 { bits >> 44 }
        var requests: Int { Int(bits >> 22 & Self.countMask) }
        var accepts: Int { Int(bits & Self.countMask) }

        mutating func add(_ isAccepted: Bool) {
            // At the end of the range both are halved: the ratio stays.
            let isFull = requests == Int(Self.countMask)
            let (requests, accepts) = isFull ? (requests / 2, accepts / 2) : (requests, accepts)
            bits = window << 44 | UInt64(requests + 1) << 22 | UInt64(accepts + (isAccepted ? 1 : 0))
        }
    }
}
