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
