private import Synchronization

/// A generator of random numbers that many tasks share without a lock: a counter, and a function that mixes its bits.
///
/// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014. Not for secrets. The system's generator
/// can cost a system call for each number, which is more than all the rest of a pick.
struct SplitMix64: ~Copyable, Sendable {
    private let counter: Atomic<UInt64>

    /// Starts anywhere; the same seed gives the same numbers.
    init(seed: UInt64 = .random(in: 0 ... .max)) {
        counter = Atomic(seed)
    }

    /// A number from 0 up to, but not including, a bound.
    ///
    /// Some numbers are more likely than others by `bound / 2⁶⁴`, too little to be noticed.
    func next(below bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// Any number.
    func next() -> UInt64 {
        KeyHash.mix(counter.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue)
    }
}

/// A ``SplitMix64`` as a generator of the standard library, which many tasks share.
package final class SharedGenerator: RandomNumberGenerator, Sendable {
    private let random: SplitMix64

    /// Starts anywhere; the same seed gives the same numbers.
    package init(seed: UInt64 = .random(in: 0 ... .max)) {
        random = SplitMix64(seed: seed)
    }

    package func next() -> UInt64 { random.next() }
}
