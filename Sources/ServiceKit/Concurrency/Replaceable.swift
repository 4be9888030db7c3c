private import Synchronization

/// A value that each call reads, and that a change of the configuration may replace.
///
/// A read takes no lock until the value is replaced for the first time. From then on it takes a short one.
package final class Replaceable<Value: Sendable>: Sendable {
    private let first: Value
    private let isReplaced = Atomic(false)
    private let latest: Mutex<Value>

    package init(_ value: Value) {
        first = value
        latest = Mutex(value)
    }

    /// Reads the value. The body must not wait: other readers may wait for it.
    @inline(__always)
    package func read<Result: Sendable>(_ body: (borrowing Value) -> Result) -> Result {
        // Acquiring: a reader that finds the mark also finds what was written before it.
        isReplaced.load(ordering: .acquiring) ? latest.withLock { body($0) } : body(first)
    }

    /// Replaces the value. Reads that have begun may still have the old one.
    package func set(_ value: Value) {
        latest.withLock { $0 = value }
        isReplaced.store(true, ordering: .releasing)
    }
}

extension Replaceable where Value: Equatable {
    /// Replaces the value, unless it is the same.
    func setIfChanged(_ value: Value) {
        if read({ copy $0 != value }) { set(value) }
    }
}
