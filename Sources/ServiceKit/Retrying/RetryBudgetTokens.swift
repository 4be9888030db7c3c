private import Glibc

/// The tokens of a ``RetryBudget`` for one reason.
///
/// All times are in nanoseconds from any origin, all amounts in tenths of a token, as those that calls put back.
struct RetryBudgetTokens {
    /// Within this time an earned token fades to 37 %.
    private static let lifetime = 3e9
    /// The reserve of a client with few calls.
    private static let mostReserve = 20.0
    /// The time in which a token of the reserve comes back.
    private static let reserveTime = 5e9
    /// The tokens beside the reserve at the start. They fade.
    private static let initial = 100.0

    /// The most.
    private(set) var burst: Double
    /// Earned by calls that succeeded.
    private var earned: Double
    private var reserve: Double
    private var countedAt: UInt64
    /// The amount that a call puts back that succeeds.
    private let earning: Double

    /// - Parameters:
    ///   - burst: The most tokens.
    ///   - earning: The amount that a call puts back that succeeds.
    ///   - now: The time.
    init(burst: Int, earning: Double, at now: UInt64) {
        self.earning = earning
        self.burst = Self.tenths(burst)
        reserve = min(self.burst, Self.mostReserve)
        earned = Self.start(self.burst) - reserve
        countedAt = now
    }

    private static func tenths(_ burst: Int) -> Double { 10 * Double(min(max(0, burst), 1_000_000)) }

    /// All tokens at the start.
    private static func start(_ burst: Double) -> Double { min(burst, initial + mostReserve) }

    /// Changes the most tokens. The retries that were made so far still count.
    mutating func resize(burst: Int) {
        let next = Self.tenths(burst)
        guard next != self.burst else { return }
        let all = min(max(0, earned + reserve + Self.start(next) - Self.start(self.burst)), next)
        self.burst = next
        reserve = min(all, max(reserve, min(next, Self.mostReserve)), Self.mostReserve)
        earned = all - reserve
    }

    /// Counts the calls that have succeeded since the last count, as if they had come evenly.
    mutating func count(_ successes: Int, at now: UInt64) {
        let elapsed = now > countedAt ? Double(now - countedAt) : 0
        countedAt = max(now, countedAt)
        reserve = min(reserve + 10 * elapsed / Self.reserveTime, burst, Self.mostReserve)
        let age = elapsed / Self.lifetime
        let past = exp(-age)
        let part = age > 0 ? (1 - past) / age : 1
        earned = min(earned * past + Double(successes) * earning * part, burst - reserve)
    }

    /// Takes a token, if there is one: of those that fade first.
    mutating func take() -> Bool {
        guard earned + reserve >= 10 else { return false }
        let fromReserve = max(0, 10 - earned)
        earned = max(0, earned - 10)
        reserve -= fromReserve
        return true
    }
}
