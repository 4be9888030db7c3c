private import Synchronization

/// A ``SplitMix64`` that many tasks share without a lock.
struct SharedSplitMix64: ~Copyable, Sendable {
    private let counter: Atomic<UInt64>

    /// Starts at a seed; anywhere by default.
    init(seed: UInt64 = .random(in: 0 ... .max)) {
        counter = Atomic(seed)
    }

    /// Any number.
    func next() -> UInt64 {
        KeyHash.mix(counter.wrappingAdd(SplitMix64.step, ordering: .relaxed).newValue)
    }

    /// A number from 0 up to, but not including, a bound.
    ///
    /// Some numbers are more likely than others by `bound / 2⁶⁴`, too little to be noticed.
    func next(below bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }
}

/// A ``SplitMix64`` as a generator of the standard library, which many tasks share.
package final class SharedGenerator: RandomNumberGenerator, Sendable {
    private let random: SharedSplitMix64

    /// Starts at a seed; anywhere by default.
    package init(seed: UInt64 = .random(in: 0 ... .max)) {
        random = SharedSplitMix64(seed: seed)
    }

    package func next() -> UInt64 { random.next() }
}
