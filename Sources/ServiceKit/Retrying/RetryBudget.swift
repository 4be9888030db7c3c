private import Synchronization

/// Keeps retries from multiplying the load on services in trouble: a bucket of tokens, of which a retry takes one and a
/// call that succeeds puts a tenth back, as in gRPC's retry throttling (gRFC A6).
///
/// It knows no time: under virtual time it is the same.
package final class RetryBudget: Sendable {
    /// Tokens are counted in tenths.
    private let capacity: Atomic<Int>
    private let tokens: Atomic<Int>

    /// - Parameter burst: How many retries can be made before any success.
    package init(burst: Int) {
        let capacity = Self.capacity(of: burst)
        self.capacity = Atomic(capacity)
        tokens = Atomic(capacity)
    }

    private static func capacity(of burst: Int) -> Int { min(max(0, burst), 1_000_000) * 10 }

    /// Changes how many retries can be made before any success. The retries that were made so far still count.
    package func resize(burst: Int) {
        let capacity = Self.capacity(of: burst)
        let last = self.capacity.exchange(capacity, ordering: .relaxed)
        if capacity != last { change { max(0, $0 + capacity - last) } }
    }

    /// A call succeeded.
    package func succeeded() {
        // The bucket is full most of the time: then no call writes the value that all calls read.
        let capacity = capacity.load(ordering: .relaxed)
        change { $0 < capacity ? $0 + 1 : nil }
    }

    /// Whether a retry may be made.
    package func takeRetry() -> Bool {
        change { $0 >= 10 ? $0 - 10 : nil }
    }

    /// - Returns: Whether there was a change to be made.
    @discardableResult
    private func change(_ next: (Int) -> Int?) -> Bool {
        var current = tokens.load(ordering: .relaxed)
        while let wanted = next(current) {
            let (exchanged, original) = tokens.weakCompareExchange(
                expected: current,
                desired: wanted,
                ordering: .relaxed
            )
            if exchanged { return true }
            current = original
        }
        return false
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
    ///   - burst: How many retries can be made before any success. The latest word of a channel counts.
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
