private import Synchronization

/// Keeps retries from multiplying the load on services in trouble: a bucket of tokens, of which a retry takes one and a
/// call that succeeds puts a tenth back, as in gRPC's retry throttling (gRFC A6).
///
/// Tokens fade, within three seconds to 37 %: so a bucket that nobody takes from has a tenth of the calls of the last three
/// seconds. A bucket of a fixed size is too large for a client with few calls, whose every call is made three times in an
/// outage, and too small for one with many. Finagle's budget forgets for the same reason.
///
/// Beside them is a reserve of two tokens, of which one comes back in five seconds, for clients with few calls. A bucket begins
/// with ten tokens more, which fade from its creation on. So an outage of ten seconds has at most 1.1 attempts for each call, from
/// ten calls per second on.
///
/// A call that a server has refused before any handler saw it costs that server little, and another one may well serve it. Such
/// calls have tokens of their own, so that they leave those of failed calls alone: a call that succeeds puts a fifth back, as with
/// Finagle's budget. If all servers refuse calls, each of them gets at most a fifth more of them than it serves.
///
/// All times are in nanoseconds from any origin, not 0.
package final class RetryBudget: Sendable {
    /// The reason for which a call is made again.
    package enum Reason: Sendable {
        /// It failed, or takes long, and a server may have processed it.
        case failure
        /// A server has refused it before any handler saw it.
        case refusal
    }

    private struct Tokens {
        var failures: RetryBudgetTokens
        var refusals: RetryBudgetTokens
    }

    /// The calls that have succeeded since tokens were counted last: so a call that succeeds takes no lock and needs no time.
    private let successes = Atomic<Int>(0)
    private let tokens: Mutex<Tokens>

    /// - Parameters:
    ///   - burst: The most tokens.
    ///   - now: The time.
    package init(burst: Int, at now: UInt64 = NodeStatistics.now) {
        tokens = Mutex(
            Tokens(
                failures: RetryBudgetTokens(burst: burst, earning: 1, at: now),
                refusals: RetryBudgetTokens(burst: burst, earning: 2, at: now)
            )
        )
    }

    /// Changes the most tokens.
    package func resize(burst: Int) {
        tokens.withLock { tokens in
            tokens.failures.resize(burst: burst)
            tokens.refusals.resize(burst: burst)
        }
    }

    /// A call succeeded.
    package func succeeded() {
        successes.add(1, ordering: .relaxed)
    }

    /// Whether a retry may be made.
    ///
    /// - Parameters:
    ///   - reason: The reason of the retry.
    ///   - now: The time.
    package func takeRetry(after reason: Reason = .failure, at now: UInt64 = NodeStatistics.now) -> Bool {
        tokens.withLock { tokens in
            let successes = successes.exchange(0, ordering: .relaxed)
            tokens.failures.count(successes, at: now)
            tokens.refusals.count(successes, at: now)
            return switch reason {
            case .failure: tokens.failures.take()
            case .refusal: tokens.refusals.take()
            }
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
