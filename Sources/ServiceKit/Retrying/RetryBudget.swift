private import Glibc
private import Synchronization

/// Keeps retries from multiplying the load on services in trouble: a bucket of tokens, of which a retry takes one and a
/// call that succeeds puts a tenth back, as in gRPC's retry throttling (gRFC A6).
///
/// Tokens fade, within three seconds to 37 %: so a bucket that nobody takes from has a tenth of the calls of the last three
/// seconds. A bucket of a fixed size is too large for a client with few calls, whose every call is made three times in an
/// outage, and too small for one with many. Finagle's budget forgets for the same reason. For clients with few calls there is
/// an income that keeps ten tokens in a bucket, and a bucket begins with a hundred.
///
/// All times are in nanoseconds from any origin, not 0.
package final class RetryBudget: Sendable {
    /// Within this time a token fades to 37 %.
    private static let lifetime = 3e9
    /// The tokens that there are without any success.
    private static let least = 10.0
    /// The tokens at the start, which fade: a client that has made few calls so far may have many on their way to a server
    /// that dies.
    private static let initial = 100.0

    private struct Tokens {
        /// The most.
        var burst: Double
        /// How many there are, in tenths, as those that calls put back are.
        var tenths: Double
        var countedAt: UInt64 = 0

        init(burst: Int) {
            self.burst = Double(min(max(0, burst), 1_000_000))
            tenths = Self.initial(self.burst)
        }

        /// The tenths at the start.
        static func initial(_ burst: Double) -> Double { 10 * min(burst, RetryBudget.initial) }

        /// The tenths that there are without any success.
        static func least(_ burst: Double) -> Double { 10 * min(burst, RetryBudget.least) }

        /// Counts the calls that have succeeded since the last count, as if they had come evenly.
        mutating func count(_ successes: Int, at now: UInt64) {
            let elapsed = countedAt != 0 && now > countedAt ? Double(now - countedAt) / RetryBudget.lifetime : 0
            countedAt = max(now, countedAt)
            let past = exp(-elapsed)
            let part = elapsed > 0 ? (1 - past) / elapsed : 1
            tenths = min(tenths * past + Self.least(burst) * (1 - past) + Double(successes) * part, 10 * burst)
        }
    }

    /// The calls that have succeeded since tokens were counted last: so a call that succeeds takes no lock and needs no time.
    private let successes = Atomic<Int>(0)
    private let tokens: Mutex<Tokens>

    /// - Parameter burst: The most tokens.
    package init(burst: Int) {
        tokens = Mutex(Tokens(burst: burst))
    }

    /// Changes the most tokens.
    package func resize(burst: Int) {
        let next = Tokens(burst: burst)
        tokens.withLock { tokens in
            guard next.burst != tokens.burst else { return }
            // The retries that were made so far still count.
            let change = next.tenths - Tokens.initial(tokens.burst)
            tokens.burst = next.burst
            tokens.tenths = min(max(0, tokens.tenths + change), 10 * next.burst)
        }
    }

    /// A call succeeded.
    package func succeeded() {
        successes.add(1, ordering: .relaxed)
    }

    /// Whether a retry may be made.
    ///
    /// - Parameter now: The time.
    package func takeRetry(at now: UInt64 = NodeStatistics.now) -> Bool {
        tokens.withLock { tokens in
            tokens.count(successes.exchange(0, ordering: .relaxed), at: now)
            guard tokens.tenths >= 10 else { return false }
            tokens.tenths -= 10
            return true
        }
    }
}

/// The budgets of a process: all channels to a service share one.
package final class RetryBudgets: Sendable {
    /// A service, as found through a registry.
    private struct Key: Hashable {
        let registry: ObjectIdentifier?
        let service: String
    }

    private struct Entry {
        weak var budget: RetryBudget?
    }

    /// The budgets of this process.
    package static let shared = RetryBudgets()

    private let entries = Mutex<[Key: Entry]>([:])

    package init() {}

    /// The budget of a service. It is dropped with the last channel that has it.
    ///
    /// - Parameters:
    ///   - service: The service, or its target.
    ///   - registry: The registry that the channel shares with others; `nil` for a registry of its own, as the
    ///     configuration names it.
    ///   - burst: The most retries in a row. The latest word of a channel counts.
    /// - Returns: The budget.
    package func budget(of service: String, in registry: AnyObject?, burst: Int) -> RetryBudget {
        let key = Key(registry: registry.map { ObjectIdentifier($0) }, service: service)
        return entries.withLock { entries in
            if let budget = entries[key]?.budget {
                budget.resize(burst: burst)
                return budget
            }
            let budget = RetryBudget(burst: burst)
            entries = entries.filter { $1.budget != nil }
            entries[key] = Entry(budget: budget)
            return budget
        }
    }
}
